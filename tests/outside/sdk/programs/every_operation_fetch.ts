/**
 * Calls every operation with openapi-generator's client, as a stranger's program would, and looks at each answer.
 *
 * Its environment says where the service is (`BASE_URL`) and what its demo.json says (`DEMO`).
 */

import {
  type AutomationExecution,
  type AutomationRule,
  type AutomationRuleInput,
  type AutomationRulePatch,
  Configuration,
  ContractApi,
  ExecutionPlanResponseFromJSON,
  ExecutionRetryFromEnum,
  ExecutionRetryRuleVersionEnum,
  ExecutionsApi,
  ExecutionStatus,
  PrincipalApi,
  type Problem,
  ProblemFromJSON,
  ResponseError,
  type RuleAction,
  RuleStatus,
  RulesApi,
  ServiceApi,
  SortOrder,
  TriggerType,
} from "automation-executions-client-fetch";
import { baseUrl, demo, equal, key, present, type Same, sameTypes, tenant, until } from "./demo.js";

const executions = new ExecutionsApi(as("operator"));
const rules = new RulesApi(as("operator"));
const xTenantId = tenant;

function as(name: string): Configuration {
  return new Configuration({ basePath: baseUrl, apiKey: key(name) });
}

/** Return the response that a call was refused with, of this status. */
async function answeredWith(call: Promise<unknown>, status: number): Promise<Response> {
  const refusal = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(refusal instanceof ResponseError)) throw new Error(`not refused: ${refusal}`);
  equal(refusal.response.status, status);
  return refusal.response;
}

/** Return the problem that a call was refused with, of this status and code. */
async function refused(call: Promise<unknown>, status: number, code?: string): Promise<Problem> {
  const problem = ProblemFromJSON(await (await answeredWith(call, status)).json());
  equal(problem.status, status);
  if (code !== undefined) equal(problem.code, code);
  return problem;
}

/** Return the header of a request that is to be done once, however often it is sent. */
function once(): { idempotencyKey: string } {
  return { idempotencyKey: crypto.randomUUID() };
}

function etag(answer: { raw: Response }): string {
  return present(answer.raw.headers.get("etag"));
}

async function lookAtTheService(): Promise<void> {
  const service = new ServiceApi(as("reader"));
  equal((await service.getLiveness()).status, "alive");
  equal((await service.getReadiness()).status, "ready");
}

async function askWhoIsCalling(): Promise<void> {
  const caller = (await new PrincipalApi(as("operator")).getCurrentPrincipal({ xTenantId })).data;
  equal([caller.tenant.id, caller.roles, caller.key.usageLimit], [tenant, ["operator"], null]);
}

async function lookAtItsVersions(rule: AutomationRule): Promise<void> {
  const id = rule.ruleId;
  const first = await rules.listAutomationRuleVersions({ id, limit: 2, xTenantId });
  const cursor = present(first.pagination.nextCursor);
  const second = await rules.listAutomationRuleVersions({ id, limit: 2, cursor });
  equal(
    [...first.data, ...second.data].map((each) => each.changed),
    [["priority"], ["name"], []],
  );
  equal(second.pagination.hasMore, false);

  const version = await rules.getAutomationRuleVersion({ id, version: 1, xTenantId });
  equal(version.data.name, rule.name);
}

async function findExecutions(rule: AutomationRule): Promise<void> {
  const ids = [await execute(rule), await execute(rule)];
  for (const id of ids) await reaches(id, ExecutionStatus.Completed);
  const [before, after] = [new Date("2020-01-01T00:00:00Z"), new Date("2999-01-01T00:00:00Z")];
  const filters = {
    status: [ExecutionStatus.Completed, ExecutionStatus.Running],
    automationRuleId: [rule.ruleId],
    triggerType: TriggerType.Manual,
    ...{ createdFrom: before, createdTo: after, startedFrom: before, startedTo: after },
    ...{ completedFrom: before, completedTo: after, durationMinMs: 0, durationMaxMs: 1e6, attemptMin: 1 },
    ...{ sort: SortOrder.OLDEST_FIRST, limit: 1, xTenantId },
  };

  const first = await executions.listAutomationExecutions(filters);
  const cursor = present(first.pagination.nextCursor);
  const second = await executions.listAutomationExecutions({ ...filters, cursor });
  equal([first.data[0]?.executionId, second.data[0]?.executionId], ids);

  const none = await executions.listAutomationExecutions({ errorContains: "NO SUCH ERROR", includeTotal: true });
  equal([none.data.length, none.pagination.total?.exact], [0, true]);
}

async function findRules(rule: AutomationRule): Promise<void> {
  const query = {
    ...{ status: [RuleStatus.Active], triggerType: TriggerType.Manual, name: "Tell the other", deleted: false },
    ...{ sort: SortOrder.NEWEST_FIRST, limit: 1, includeTotal: false, xTenantId },
  };
  const first = await rules.listAutomationRules(query);
  equal(first.data[0]?.ruleId, rule.ruleId);

  const every = await rules.listAutomationRules({ limit: 1 });
  const cursor = present(every.pagination.nextCursor);
  equal((await rules.listAutomationRules({ limit: 1, cursor })).data.length, 1);
}

async function readTheContract(): Promise<void> {
  const contract = new ContractApi(as("reader"));
  const json = await contract.getContractJsonRaw({});
  equal((await json.value()).openapi, "3.0.3");
  await answeredWith(contract.getContractJson({ ifNoneMatch: etag(json) }), 304);
  await refused(contract.getContractJson({ ifMatch: '"another"' }), 412, "precondition_failed");

  const yaml = await contract.getContractYamlRaw({});
  equal((await yaml.value()).startsWith("openapi: 3.0.3"), true);
  await answeredWith(contract.getContractYaml({ ifNoneMatch: etag(yaml) }), 304);
  equal((await contract.getContractYaml({ ifMatch: etag(yaml) })).startsWith("openapi: 3.0.3"), true);
}

async function writeARule(): Promise<AutomationRule> {
  const created = await rules.createAutomationRuleRaw({ automationRuleInput: orders("Tell the warehouse"), xTenantId });
  const rule = (await created.value()).data;
  equal([created.raw.status, rule.status, rule.tenant], [201, "active", tenant]);
  equal(created.raw.headers.get("location"), rule.links.self.href);

  const read = await rules.getAutomationRuleRaw({ id: rule.ruleId, xTenantId });
  equal((await read.value()).data, rule);
  await answeredWith(rules.getAutomationRule({ id: rule.ruleId, ifNoneMatch: etag(read) }), 304);
  await refused(rules.getAutomationRule({ id: rule.ruleId, ifMatch: '"another"' }), 412, "precondition_failed");
  return rule;
}

async function sendItAgain(): Promise<void> {
  const request = { automationRuleInput: orders("Tell the warehouse once"), ...once() };
  const first = await rules.createAutomationRuleRaw(request);
  const again = await rules.createAutomationRuleRaw(request);

  equal(first.raw.headers.get("idempotency-replayed"), null);
  equal(again.raw.headers.get("idempotency-replayed"), "true");
  equal((await again.value()).data, (await first.value()).data);
  const another = { ...request, automationRuleInput: orders("Tell it twice") };
  await refused(rules.createAutomationRule(another), 422, "idempotency_key_reused");
}

async function changeIt(rule: AutomationRule): Promise<void> {
  const ifMatch = etag(await rules.getAutomationRuleRaw({ id: rule.ruleId }));
  const change = { id: rule.ruleId, automationRuleReplacement: orders("Tell the other warehouse") };

  const changed = await rules.updateAutomationRule({ ...change, ...once(), ifMatch, xTenantId });
  equal(changed.data.version, rule.version + 1);
  await refused(rules.updateAutomationRule({ ...change, ifMatch }), 412, "precondition_failed");
  await refused(rules.updateAutomationRule({ ...change, ifNoneMatch: "*" }), 412, "precondition_failed");
}

async function putItBack(rule: AutomationRule): Promise<void> {
  const id = rule.ruleId;
  const read = (await rules.getAutomationRule({ id })).data;

  // What is read may have actions of types that this client doesn't know; here it has none.
  const automationRuleReplacement = { ...read, actions: read.actions as RuleAction[] };

  equal((await rules.updateAutomationRule({ id, automationRuleReplacement })).data, read);
}

async function patchIt(rule: AutomationRule): Promise<void> {
  const id = rule.ruleId;
  const ifMatch = etag(await rules.getAutomationRuleRaw({ id }));
  const automationRulePatch: AutomationRulePatch = { ...orders("Tell the other warehouse"), priority: 1 };
  const unlike = { ifMatch, ifNoneMatch: '"another"' };

  const patched = await rules.patchAutomationRule({ id, automationRulePatch, ...once(), ...unlike, xTenantId });
  equal(patched.data.priority, 1);
  equal((await rules.patchAutomationRule({ id, automationRulePatch: { priority: 1 } })).data, patched.data);
}

async function planIt(rule: AutomationRule): Promise<void> {
  const ruleExecution = { triggerData: { total: 20 }, dryRun: true, overrideConditions: false, priority: 10 };

  // It reads every success as the first one documented; the plan is read from the raw answer.
  const answer = await rules.executeAutomationRuleRaw({ id: rule.ruleId, ruleExecution, ...once(), xTenantId });

  const plan = ExecutionPlanResponseFromJSON(await answer.raw.json()).data;
  equal([plan.wouldRun, plan.conditions[0]?.operator], [false, "greater_than"]);
}

async function retryAFailedExecution(): Promise<void> {
  const id = await execute(await create(call("/nowhere")));
  equal((await reaches(id, ExecutionStatus.Failed)).links?.retry?.method, "POST");

  const meant = { from: ExecutionRetryFromEnum.FailedAction, attempt: 1 };
  const again = await executions.retryAutomationExecution({ id, executionRetry: meant, ...once(), xTenantId });
  equal(again.data.status, ExecutionStatus.Pending);
  await reaches(id, ExecutionStatus.Failed);
  const superseded = executions.retryAutomationExecution({ id, executionRetry: { attempt: 1 } });
  await refused(superseded, 409, "attempt_superseded");

  const afresh = { ruleVersion: ExecutionRetryRuleVersionEnum.Latest, triggerData: { order_id: 1042 } };
  const retried = (await executions.retryAutomationExecution({ id, executionRetry: afresh })).data;
  equal([retried.attempt, retried.triggerData], [3, { order_id: 1042 }]);

  await reaches(id, ExecutionStatus.Failed);
  const first = await executions.listAutomationExecutionAttempts({ id, limit: 2, xTenantId });
  const cursor = present(first.pagination.nextCursor);
  const second = await executions.listAutomationExecutionAttempts({ id, limit: 2, cursor });
  equal(
    [...first.data, ...second.data].map((attempt) => attempt.status),
    ["failed", "failed", "failed"],
  );
  equal(first.links.execution.href.endsWith(id), true);
}

async function cancelARunningExecution(): Promise<void> {
  const waiting = await create(wait());
  const id = await execute(waiting);
  await reaches(id, ExecutionStatus.Running);
  await refused(rules.deleteAutomationRule({ id: waiting.ruleId }), 409, "rule_in_use");

  equal((await executions.cancelAutomationExecution({ id, ...once(), xTenantId })).data.executionId, id);
  await reaches(id, ExecutionStatus.Cancelled);

  equal((await executions.cancelAutomationExecution({ id })).data.status, ExecutionStatus.Cancelled);
  const completed = { id: demo.executions.completed };
  await refused(executions.cancelAutomationExecution(completed), 409, "execution_finished");
  await refused(executions.retryAutomationExecution(completed), 409, "execution_not_retriable");
}

async function deleteIt(rule: AutomationRule): Promise<void> {
  const id = rule.ruleId;
  await refused(rules.deleteAutomationRule({ id, ifMatch: '"another"' }), 412, "precondition_failed");
  const deleted = await rules.deleteAutomationRuleRaw({ id, ifNoneMatch: '"another"', ...once(), xTenantId });
  equal(deleted.raw.status, 204);

  const change = { id, automationRuleReplacement: orders("Too late") };
  await refused(rules.updateAutomationRule(change), 409, "rule_deleted");
  await refused(rules.executeAutomationRule({ id }), 409, "rule_not_active");
}

async function meetProblems(rule: AutomationRule): Promise<void> {
  const id = demo.executions.completed;
  const wanted = { unknown: 401, expired: 401, revoked: 401, no_permission: 403, globex_reader: 404 };
  for (const [name, status] of Object.entries(wanted)) {
    await refused(new ExecutionsApi(as(name)).getAutomationExecution({ id }), status);
  }

  await refused(executions.getAutomationExecution({ id, xTenantId: demo.tenants.globex }), 401);
  await refused(rules.getAutomationRule({ id: crypto.randomUUID() }), 404, "rule_not_found");
  await refused(new RulesApi(as("reader")).deleteAutomationRule({ id: rule.ruleId }), 403, "permission_denied");

  const unknown = { name: "No such action", actions: [{ type: "telegram", config: {} } as unknown as RuleAction] };
  const problem = await refused(rules.createAutomationRule({ automationRuleInput: unknown }), 400);
  equal(problem.errors?.[0]?.pointer, "/actions/0/type");
}

async function readAnExecution(): Promise<void> {
  const answer = await executions.getAutomationExecution({ id: demo.executions.completed, xTenantId });
  const execution = answer.data;

  sameTypes<Same<typeof execution, AutomationExecution>>();
  const status: ExecutionStatus = execution.status;
  equal([status, execution.errorMessage], [ExecutionStatus.Completed, null]);
}

async function create(automationRuleInput: AutomationRuleInput): Promise<AutomationRule> {
  return (await rules.createAutomationRule({ automationRuleInput })).data;
}

/** Run a rule, whatever its conditions say, and return the execution's id. */
async function execute(rule: AutomationRule): Promise<string> {
  const ruleExecution = { triggerData: {}, overrideConditions: true };
  const answer = await rules.executeAutomationRuleRaw({ id: rule.ruleId, ruleExecution, xTenantId });
  equal(answer.raw.status, 202);
  return present(answer.raw.headers.get("location")?.split("/").at(-1));
}

/** Wait until an execution has a status. */
async function reaches(id: string, status: ExecutionStatus): Promise<AutomationExecution> {
  return until(
    async () => (await executions.getAutomationExecution({ id })).data,
    (execution) => execution.status === status,
  );
}

/** Return a rule that says everything that a rule can say. */
function orders(name: string): AutomationRuleInput {
  return {
    name,
    description: "Tells the warehouse of every order above 50.",
    status: "active",
    triggerType: "manual",
    triggerConfig: {},
    conditions: [{ field: "trigger.total", operator: "greater_than", value: 50 }],
    conditionLogic: "and",
    actions: [webhook("/orders")],
    executionTimeoutSeconds: 600,
    maxConcurrentExecutions: 5,
    concurrencyPolicy: "queue",
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
  return { type: "webhook_call", config, continueOnError: false, timeoutSeconds: 30, retryAttempts: 0 };
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
