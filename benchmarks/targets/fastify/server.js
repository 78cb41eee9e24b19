// Fastify with its response validation on node-postgres; reached with libpq's variables, listens on the port that is its argument.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import responseValidation from '@fastify/response-validation';
import addFormats from 'ajv-formats';
import Fastify from 'fastify';
import pg from 'pg';

const POOL = 20;
const PREFIX = '/api/v1/automation';

const READ = { name: 'read', text: readFileSync(new URL('../sql/read.sql', import.meta.url), 'utf8') };

const uuid = { type: 'string', format: 'uuid' };
const time = { type: 'string', format: 'date-time' };
const count = { type: 'integer', minimum: 0 };
const anything = { type: 'object', additionalProperties: true };
const nullable = (schema) => ({ ...schema, nullable: true });
const object = (properties, optional = []) => ({
  type: 'object',
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
});

const link = object({ href: { type: 'string' }, method: { type: 'string' } }, ['method']);
const logEntry = object({
  timestamp: time,
  level: { type: 'string', enum: ['debug', 'info', 'warn', 'error'] },
  message: { type: 'string' },
  action_index: nullable({ type: 'integer' }),
  metadata: nullable(anything),
});
const execution = object({
  execution_id: uuid,
  automation_rule_id: uuid,
  tenant: uuid,
  rule_version: { type: 'integer', minimum: 1 },
  attempt: { type: 'integer', minimum: 1 },
  priority: { type: 'integer', minimum: -10, maximum: 10 },
  labels: { type: 'object', additionalProperties: { type: 'string' } },
  status: { type: 'string', enum: ['pending', 'running', 'completed', 'failed', 'cancelled', 'timeout', 'skipped'] },
  created_at: time,
  started_at: nullable(time),
  completed_at: nullable(time),
  duration_ms: nullable({ type: 'number', minimum: 0 }),
  actions_total: count,
  actions_successful: count,
  actions_failed: count,
  error_message: nullable({ type: 'string' }),
  error_stack: nullable({ type: 'string' }),
  failed_action_index: nullable({ type: 'integer' }),
  trigger_data: nullable(anything),
  execution_context: nullable(anything),
  logs: { type: 'array', items: logEntry },
  _links: object({ self: link, rule: link, attempts: link, cancel: link, retry: link }, ['cancel', 'retry']),
});

const schema = {
  params: object({ id: uuid }),
  response: { 200: object({ data: execution }) },
};

const pool = new pg.Pool({ min: POOL, max: POOL });
const app = Fastify({ logger: false });
await app.register(responseValidation, { ajv: { plugins: [addFormats] } });

const iso = (date) => date === null ? null : date.toISOString();

function links({ execution_id: id, automation_rule_id: rule, status }) {
  const path = `${PREFIX}/executions/${id}`;
  const found = {
    self: { href: path },
    rule: { href: `${PREFIX}/rules/${rule}` },
    attempts: { href: `${path}/attempts` },
  };
  if (status === 'pending' || status === 'running') found.cancel = { href: `${path}/cancel`, method: 'POST' };
  if (status === 'failed') found.retry = { href: `${path}/retry`, method: 'POST' };
  return found;
}

function shown({ may_read: _, results, ...row }) {
  return {
    ...row,
    created_at: iso(row.created_at),
    started_at: iso(row.started_at),
    completed_at: iso(row.completed_at),
    execution_context: results === null ? row.execution_context : { actions: results },
    logs: row.logs ?? [],
    _links: links(row),
  };
}

app.get(`${PREFIX}/executions/:id`, { schema }, async (request, reply) => {
  const key = request.headers['x-api-key'];
  if (key === undefined) return reply.code(401).send();
  const digest = createHash('sha256').update(key).digest();
  const { rows: [row] } = await pool.query({ ...READ, values: [digest, request.params.id] });
  if (row === undefined) return reply.code(401).send();
  if (!row.may_read) return reply.code(403).send();
  if (row.execution_id === null) return reply.code(404).send();
  return { data: shown(row) };
});

await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
