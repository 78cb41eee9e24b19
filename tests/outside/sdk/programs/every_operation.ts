/**
 * Calls every operation with the generated TypeScript client, as a stranger's program would, and looks at each answer.
 *
 * Its environment says where the service is (`BASE_URL`) and what its demo.json says (`DEMO`).
 */

import {
  createClient,
  iterate,
  RefusedError,
  type AutomationExecution,
  type AutomationExecutionAttempt,
  type AutomationExecutionResponse,
  type AutomationExecutionSummary,
  type AutomationRule,
  type AutomationRuleInput,
  type AutomationRulePatch,
  type ContractDocument,
  type ExecutionLinks,
  type ExecutionPlanResponse,
  type ExecutionStatus,
  type Problem,
  type RuleAction,
} from "automation-executions-client";
import { baseUrl, demo, equal, key, present, type Same, sameTypes, tenant, until } from "./demo.js";

const ME = "/api/v1/me";
const EXECUTIONS = "/api/v1/automation/executions";
const VERSIONS = "/api/v1/automation/rules/{id}/versions";
const VERSION = "/api/v1/automation/rules/{id}/versions/{version}";
const EXECUTION = "/api/v1/automation/executions/{id}";
const ATTEMPTS = "/api/v1/automation/executions/{id}/attempts";
const CANCEL = "/api/v1/automation/executions/{id}/cancel";
const RETRY = "/api/v1/automation/executions/{id}/retry";
const RULES = "/api/v1/automation/rules";
const RULE = "/api/v1/automation/rules/{id}";
const EXECUTE = "/api/v1/automation/rules/{id}/execute";

const operator = createClient({ baseUrl, apiKey: key("operator") });
const reader = createClient({ baseUrl, apiKey: key("reader") });
const header = { "x-tenant-id": tenant };

interface Answer<T> {
  data?: T;
  error?: Problem | undefined;
  response: Response;
}

/** Return what a call that went well answered. */
function good<T>({ data, error }: Answer<T>): T {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

/** Return the problem that a call was answered with, of this status and code. */
function refused({ error, response }: Answer<unknown>, status: number, code?: string): Problem {
  const problem = present(error);
  equal([response.status, problem.status], [status, status]);
  if (code !== undefined) equal(problem.code, code);
  return problem;
}

/** Return the header of a request that is to be done once, however often it is sent. */
function once(): { "Idempotency-Key": string } {
  return { "Idempotency-Key": crypto.randomUUID() };
}

function etag(response: Response): string {
  return present(response.headers.get("etag"));
}

async function lookAtTheService(): Promise<void> {
  equal(good(await reader.GET("/healthz")).status, "alive");
  equal(good(await reader.GET("/readyz")).status, "ready");
}

async function askWhoIsCalling(): Promise<void> {
  const caller = good(await operator.GET(ME, { params: { header } })).data;
  equal([caller.tenant.id, caller.roles, caller.key.usage_limit], [tenant, ["operator"], null]);
}

/** Return all that an iterator yields. */
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function lookAtItsVersions(rule: AutomationRule): Promise<void> {
  const path = { id: rule.rule_id };
  const versions = await all(
    iterate((page) => operator.GET(VERSIONS, { params: { path, header, query: { limit: 1, ...page } } })),
  );
  equal(
    versions.map((each) => [each.version, each.changed]),
    [
      [3, ["priority"]],
      [2, ["name"]],
      [1, []],
    ],
  );

  const first = await operator.GET(VERSION, { params: { path: { ...path, version: 1 }, header } });
  equal(good(first).data.name, rule.name);
  const none = await operator.GET(VERSION, { params: { path: { ...path, version: 4 } } });
  refused(none, 404, "rule_version_not_found");
}

async function findExecutions(rule: AutomationRule): Promise<void> {
  const ids: string[] = [];
  for (let number = 0; number < 3; number += 1) {
    const id = await execute(rule);
    await reaches(id, "completed");
    ids.push(id);
  }
  const [before, after] = ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00+01:00"];
  const filters = {
    status: ["completed", "running"] satisfies ExecutionStatus[],
    automation_rule_id: [rule.rule_id],
    trigger_type: "manual" as const,
    ...{ created_from: before, created_to: after, started_from: before, started_to: after },
    ...{ completed_from: before, completed_to: after, duration_min_ms: 0, duration_max_ms: 1e6, attempt_min: 1 },
    sort: "created_at" as const,
    limit: 1,
  };

  const found: AutomationExecutionSummary[] = await all(
    iterate((page) => operator.GET(EXECUTIONS, { params: { header, query: { ...filters, ...page } } })),
  );
  equal(
    found.map((each) => each.execution_id),
    ids,
  );

  const query = { error_contains: "NO SUCH ERROR", include_total: true };
  const none = good(await operator.GET(EXECUTIONS, { params: { query } }));
  equal([none.data, none.pagination.total], [[], { count: 0, exact: true }]);

  const refusal = await all(iterate(() => operator.GET(EXECUTIONS, { params: { query: { cursor: "made-up" } } }))).catch(
    (error: unknown) => error,
  );
  if (!(refusal instanceof RefusedError)) throw new Error("a made-up cursor was taken");
  equal(refusal.problem?.code, "invalid_cursor");
}

async function findRules(rule: AutomationRule): Promise<void> {
  const query = {
    ...{ status: ["active" as const], trigger_type: "manual" as const, name: "Tell the other", deleted: false },
    ...{ sort: "-created_at" as const, limit: 1, include_total: false },
  };
  const found = await all(
    iterate((page) => operator.GET(RULES, { params: { header, query: { ...query, ...page } } })),
  );
  equal(
    found.some((each) => each.rule_id === rule.rule_id),
    true,
  );
  const every = await all(iterate((page) => operator.GET(RULES, { params: { query: { limit: 1, ...page } } })));
  equal(every.length > 1, true);
}

async function readTheContract(): Promise<void> {
  const json = await reader.GET("/api/v1/openapi.json");
  const document: ContractDocument = good(json);
  equal(document.openapi, "3.0.3");
  const known = { header: { "If-None-Match": etag(json.response) } };
  equal((await reader.GET("/api/v1/openapi.json", { params: known })).response.status, 304);
  const another = { header: { "If-Match": '"another"' } };
  refused(await reader.GET("/api/v1/openapi.json", { params: another }), 412, "precondition_failed");

  const yaml = await reader.GET("/api/v1/openapi.yaml", { parseAs: "text" });
  const text = good(yaml);
  sameTypes<Same<typeof text, string>>();
  equal(text.startsWith("openapi: 3.0.3"), true);
  const knownYaml = { header: { "If-None-Match": etag(yaml.response) } };
  equal((await reader.GET("/api/v1/openapi.yaml", { params: knownYaml, parseAs: "text" })).response.status, 304);
  const still = { header: { "If-Match": etag(yaml.response) } };
  equal(good(await reader.GET("/api/v1/openapi.yaml", { params: still, parseAs: "text" })), text);
}

async function writeARule(): Promise<AutomationRule> {
  const created = await operator.POST(RULES, { params: { header }, body: orders("Tell the warehouse") });
  const rule = good(created).data;
  sameTypes<Same<typeof rule, AutomationRule>>();
  equal([created.response.status, rule.status, rule.tenant], [201, "active", tenant]);
  equal(created.response.headers.get("location"), rule._links.self.href);

  const path = { id: rule.rule_id };
  const read = await operator.GET(RULE, { params: { path, header } });
  equal(good(read).data, rule);
  const known = { path, header: { ...header, "If-None-Match": etag(read.response) } };
  equal((await operator.GET(RULE, { params: known })).response.status, 304);
  const another = { path, header: { "If-Match": '"another"' } };
  refused(await operator.GET(RULE, { params: another }), 412, "precondition_failed");
  return rule;
}

async function sendItAgain(): Promise<void> {
  const params = { header: once() };
  const first = await operator.POST(RULES, { params, body: orders("Tell the warehouse once") });
  const again = await operator.POST(RULES, { params, body: orders("Tell the warehouse once") });

  equal(first.response.headers.get("idempotency-replayed"), null);
  equal(again.response.headers.get("idempotency-replayed"), "true");
  equal(good(again).data, good(first).data);
  refused(await operator.POST(RULES, { params, body: orders("Tell it twice") }), 422, "idempotency_key_reused");
}

async function changeIt(rule: AutomationRule): Promise<void> {
  const path = { id: rule.rule_id };
  const { response } = await operator.GET(RULE, { params: { path } });
  const params = { path, header: { ...header, ...once(), "If-Match": etag(response) } };
  const body = orders("Tell the other warehouse");

  equal(good(await operator.PUT(RULE, { params, body })).data.version, rule.version + 1);
  const late = { path, header: { "If-Match": etag(response) } };
  refused(await operator.PUT(RULE, { params: late, body }), 412, "precondition_failed");
  const already = { path, header: { "If-None-Match": "*" } };
  refused(await operator.PUT(RULE, { params: already, body }), 412, "precondition_failed");
}

async function putItBack(rule: AutomationRule): Promise<void> {
  const params = { path: { id: rule.rule_id } };
  const read = good(await operator.GET(RULE, { params })).data;

  // What is read may have actions of types that this client doesn't know; here it has none.
  const body = { ...read, actions: read.actions as RuleAction[] };

  equal(good(await operator.PUT(RULE, { params, body })).data, read);
}

async function patchIt(rule: AutomationRule): Promise<void> {
  const path = { id: rule.rule_id };
  const { response } = await operator.GET(RULE, { params: { path } });
  const preconditions = { "If-Match": etag(response), "If-None-Match": '"another"' };
  const params = { path, header: { ...header, ...once(), ...preconditions } };
  const body: AutomationRulePatch = { ...orders("Tell the other warehouse"), priority: 1 };

  const patched = good(await operator.PATCH(RULE, { params, body })).data;
  equal(patched.priority, 1);
  equal(good(await operator.PATCH(RULE, { params: { path }, body: { priority: 1 } })).data, patched);
}

async function planIt(rule: AutomationRule): Promise<void> {
  const answer = good(
    await operator.POST(EXECUTE, {
      params: { path: { id: rule.rule_id }, header: { ...header, ...once() } },
      body: { trigger_data: { total: 20 }, dry_run: true, override_conditions: false, priority: 10 },
    }),
  );

  sameTypes<Same<typeof answer, ExecutionPlanResponse | AutomationExecutionResponse>>();
  if (!("would_run" in answer.data)) throw new Error("a plan was asked for");
  equal([answer.data.would_run, answer.data.conditions[0]?.operator], [false, "greater_than"]);
}

async function retryAFailedExecution(): Promise<void> {
  const broken = good(await operator.POST(RULES, { body: call("/nowhere") })).data;
  const id = await execute(broken);
  const path = { id };
  equal((await reaches(id, "failed"))._links?.retry?.method, "POST");

  const meant = { from: "failed_action" as const, attempt: 1 };
  const again = await operator.POST(RETRY, { params: { path, header: { ...header, ...once() } }, body: meant });
  equal(good(again).data.status, "pending");
  await reaches(id, "failed");
  refused(await operator.POST(RETRY, { params: { path }, body: { attempt: 1 } }), 409, "attempt_superseded");

  const afresh = { rule_version: "latest" as const, trigger_data: { order_id: 1042 } };
  const retried = good(await operator.POST(RETRY, { params: { path }, body: afresh })).data;
  equal([retried.attempt, retried.trigger_data], [3, { order_id: 1042 }]);

  await reaches(id, "failed");
  const attempts: AutomationExecutionAttempt[] = await all(
    iterate((page) => operator.GET(ATTEMPTS, { params: { path, header, query: { limit: 1, ...page } } })),
  );
  const statuses: ExecutionStatus[] = attempts.map((attempt) => attempt.status);
  equal(statuses, ["failed", "failed", "failed"]);
  const page = good(await operator.GET(ATTEMPTS, { params: { path } }));
  equal(page._links.execution.href.endsWith(id), true);
}

async function cancelARunningExecution(): Promise<void> {
  const waiting = good(await operator.POST(RULES, { body: wait() })).data;
  const path = { id: await execute(waiting) };
  await reaches(path.id, "running");
  refused(await operator.DELETE(RULE, { params: { path: { id: waiting.rule_id } } }), 409, "rule_in_use");

  const cancelled = await operator.POST(CANCEL, { params: { path, header: { ...header, ...once() } } });
  equal(good(cancelled).data.execution_id, path.id);
  equal([200, 202].includes(cancelled.response.status), true);
  await reaches(path.id, "cancelled");

  equal((await operator.POST(CANCEL, { params: { path } })).response.status, 200);
  const completed = { id: demo.executions.completed };
  refused(await operator.POST(CANCEL, { params: { path: completed } }), 409, "execution_finished");
  refused(await operator.POST(RETRY, { params: { path: completed } }), 409, "execution_not_retriable");
}

async function deleteIt(rule: AutomationRule): Promise<void> {
  const path = { id: rule.rule_id };
  const late = await operator.DELETE(RULE, { params: { path, header: { "If-Match": '"another"' } } });
  refused(late, 412, "precondition_failed");
  const unlike = { ...header, ...once(), "If-None-Match": '"another"' };
  const deleted = await operator.DELETE(RULE, { params: { path, header: unlike } });
  equal([deleted.response.status, deleted.error], [204, undefined]);

  refused(await operator.PUT(RULE, { params: { path }, body: orders("Too late") }), 409, "rule_deleted");
  refused(await operator.POST(EXECUTE, { params: { path } }), 409, "rule_not_active");
}

async function meetProblems(rule: AutomationRule): Promise<void> {
  const path = { id: demo.executions.completed };
  const wanted = { unknown: 401, expired: 401, revoked: 401, no_permission: 403, globex_reader: 404 };
  for (const [name, status] of Object.entries(wanted)) {
    refused(await createClient({ baseUrl, apiKey: key(name) }).GET(EXECUTION, { params: { path } }), status);
  }

  const otherTenant = demo.tenants.globex;
  refused(await reader.GET(EXECUTION, { params: { path, header: { "x-tenant-id": otherTenant } } }), 401);
  const stranger = createClient({ baseUrl, apiKey: key("reader"), tenant: otherTenant });
  refused(await stranger.GET(EXECUTION, { params: { path } }), 401);
  refused(await reader.GET(RULE, { params: { path: { id: crypto.randomUUID() } } }), 404, "rule_not_found");
  refused(await reader.DELETE(RULE, { params: { path: { id: rule.rule_id } } }), 403, "permission_denied");

  const unknown = { name: "No such action", actions: [{ type: "telegram", config: {} } as unknown as RuleAction] };
  const problem = refused(await operator.POST(RULES, { body: unknown }), 400);
  equal(problem.errors?.[0]?.pointer, "/actions/0/type");
}

async function readAnExecution(): Promise<void> {
  const { data, error } = await reader.GET(EXECUTION, { params: { path: { id: demo.executions.completed }, header } });
  sameTypes<Same<typeof error, Problem | undefined>>();
  const execution = present(data).data;

  sameTypes<Same<typeof execution, AutomationExecution>>();
  sameTypes<Same<typeof execution._links, ExecutionLinks | undefined>>();
  sameTypes<Same<typeof execution.error_message, string | null | undefined>>();
  const status: ExecutionStatus = execution.status;
  equal([status, execution.error_message], ["completed", null]);
}

/** Run a rule, whatever its conditions say, and return the execution's id. */
async function execute(rule: AutomationRule): Promise<string> {
  const body = { trigger_data: {}, override_conditions: true };
  const answer = good(await operator.POST(EXECUTE, { params: { path: { id: rule.rule_id }, header }, body }));
  if (!("execution_id" in answer.data)) throw new Error("an execution was asked for");
  return answer.data.execution_id;
}

/** Wait until an execution has a status. */
async function reaches(id: string, status: ExecutionStatus): Promise<AutomationExecution> {
  return until(
    async () => good(await operator.GET(EXECUTION, { params: { path: { id } } })).data,
    (execution) => execution.status === status,
  );
}

/** Return a rule that says everything that a rule can say. */
function orders(name: string): AutomationRuleInput {
  return {
    name,
    description: "Tells the warehouse of every order above 50.",
    status: "active",
    trigger_type: "manual",
    trigger_config: {},
    conditions: [{ field: "trigger.total", operator: "greater_than", value: 50 }],
    condition_logic: "and",
    actions: [webhook("/orders")],
    execution_timeout_seconds: 600,
    max_concurrent_executions: 5,
    concurrency_policy: "queue",
    priority: 0,
  };
}

/** Return a rule that calls the demo's receiver. */
function call(path: string): AutomationRuleInput {
  return { name: `Call ${path}`, status: "active", actions: [webhook(path)] };
}

/** Return a rule that waits for an hour. */
function wait(): AutomationRuleInput {
  return { name: "Wait for an hour", status: "active", actions: [{ type: "wait", config: { seconds: 3600 } }] };
}

/** Return an action that calls the demo's receiver. */
function webhook(path: string): RuleAction {
  const config = { method: "POST", url: `${demo.receiver}${path}`, json: {} };
  return { type: "webhook_call", config, continue_on_error: false, timeout_seconds: 30, retry_attempts: 0 };
}

await lookAtTheService();
await askWhoIsCalling();
await readTheContract();
const rule = await writeARule();
await sendItAgain();
await changeIt(rule);
await putItBack(rule);
await patchIt(rule);
await lookAtItsVersions(rule);
await planIt(rule);
await retryAFailedExecution();
await cancelARunningExecution();
await findExecutions(rule);
await findRules(rule);
await deleteIt(rule);
await meetProblems(rule);
await readAnExecution();
