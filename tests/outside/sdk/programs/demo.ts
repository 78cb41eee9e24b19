/** What the programs know of the demo, and how they insist: both clients' programs share it, and nothing else. */

declare const process: { env: Record<string, string | undefined> };

interface Demo {
  receiver: string;
  keys: Record<string, string>;
  tenants: { acme: string; globex: string };
  executions: { completed: string };
}

/** Whether two types are the same one, `any` being like itself alone. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export const baseUrl = present(process.env["BASE_URL"]);
export const demo = JSON.parse(present(process.env["DEMO"])) as Demo;
export const tenant = demo.tenants.acme;

/** The attempt of some executions of the demo, of which there are more than one request changes. */
export const demoOfMany = 7;

const PATIENCE_MILLISECONDS = 60_000;

export function key(name: string): string {
  return demo.keys[name] ?? "ak_unknown";
}

/** Return what must be there. */
export function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("something is missing");
  return value;
}

/** Insist that two values are equal. */
export function equal(found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${left} instead of ${right}`);
}

/** Insist that a type check held: `sameTypes<Same<A, B>>()` compiles for two that are the same. */
export function sameTypes<_ extends true>(): void {}

/** Ask again and again until the answer is good. */
export async function until<T>(ask: () => Promise<T>, good: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    const answer = await ask();
    if (good(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`waited in vain: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
