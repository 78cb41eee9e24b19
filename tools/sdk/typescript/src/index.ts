/** A typed client of Automation Executions: `createClient`, and the types of all that it sends and gets. */

import createFetchClient, { type Client, type ClientOptions } from "openapi-fetch";
import type { Pagination, paths, Problem } from "./schema.js";

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
      // openapi-fetch names every body JSON; the contract has one media type for the bodies of PATCH.
      if (request.method === "PATCH") {
        request.headers.set("content-type", "application/merge-patch+json");
      }
    },
  });
  return client;
}

/** A page was refused: `problem` says why. */
export class RefusedError extends Error {
  constructor(readonly problem: Problem | undefined) {
    super(problem?.detail ?? "the answer was empty");
  }
}

/** What a call of an operation that lists answers. */
export interface PageAnswer<Item> {
  data?: { data: Item[]; pagination: Pagination };
  error?: Problem | undefined;
}

/**
 * Yield the items of a list, page after page, each fetched when it is needed.
 *
 * `fetchPage` calls an operation that lists, with the `cursor` that it is given: none for the first page. A page that
 * is refused throws `RefusedError`.
 */
export async function* iterate<Item>(
  fetchPage: (page: { cursor?: string }) => Promise<PageAnswer<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let page: { cursor?: string } = {};
  for (;;) {
    const { data, error } = await fetchPage(page);
    if (data === undefined) throw new RefusedError(error);
    yield* data.data;
    if (data.pagination.next_cursor === null) return;
    page = { cursor: data.pagination.next_cursor };
  }
}
