/** What the TypeScript client's types forbid: each comment is the error that the compiler finds in its line. */

import { createClient, type ExecutionStatus } from "automation-executions-client";

const client = createClient({ baseUrl: "https://automation.example", apiKey: "ak_1" });
const path = { id: "7c9e6679-7425-40de-944b-e07fc1f90ae7" };

createClient({ baseUrl: "https://automation.example" }); // TS2345
const { data, error } = await client.GET("/api/v1/automation/executions/{id}", { params: { path } });
console.log(data.data); // TS18048
console.log(error?.reason); // TS2339
console.log(data?.data.state); // TS2339
console.log(data?.data._links?.retry.href); // TS18048
export const status: ExecutionStatus = "finished"; // TS2322
await client.GET("/api/v1/automation/executions/{id}", { params: { path: {} } }); // TS2741
await client.GET("/api/v1/automation/executions/{id}/attempts"); // TS2554
await client.POST("/api/v1/automation/rules", { body: { name: "No actions" } }); // TS2322
