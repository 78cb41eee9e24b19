/** A typed client of Automation Executions: `createClient`, and the types of all that it sends and gets. */

import createFetchClient, { type Client, type ClientOptions } from "openapi-fetch";
import type { paths } from "./schema.js";

export type * from "./schema.js";

export type AutomationExecutionsClient = Client<paths>;

export interface Connection extends Omit<ClientOptions, "baseUrl"> {
  /** Where the service is: `https://automation.example`. */
  baseUrl: string;
  /** The API key. */
  apiKey: string;
  /** The tenant that you mean to act for, where the service is to refuse a key of another one. */
  tenant?: string;
}

/**
 * Return a client that calls with an API key. Each call answers `{ data, error, response }`: `data` where it went well,
 * else `error`, a `Problem` whose `code` says what happened.
 */
export function createClient({ baseUrl, apiKey, tenant, ...options }: Connection): AutomationExecutionsClient {
  const client = createFetchClient<paths>({ ...options, baseUrl });
  client.use({
    onRequest({ request }) {
      request.headers.set("x-api-key", apiKey);
      if (tenant !== undefined && !request.headers.has("x-tenant-id")) {
        request.headers.set("x-tenant-id", tenant);
      }
    },
  });
  return client;
}
