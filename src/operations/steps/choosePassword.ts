import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { Refusal, Refused } from "../../errors";
import { isBreached } from "../../identity/breaches";
import { assertLength, assertStrong, hashPassword } from "../../identity/passwords";
import { countTry, forgive } from "../../identity/throttle";

/** zxcvbn compares the password with every name, so the names are bounded. */
const MOST_ACCOUNTS = 100;

export interface Chosen {
  passwordHash: string;
  /** Whether the service that knows breaches gave no answer. */
  unchecked: boolean;
}

/**
 * Accepts a new password if it is strong and in no known breach, and hashes it. It calls another server,
 * so it must not run in a transaction. Where that server gives no answer the password is accepted, as
 * users must be able to go on without it.
 *
 * @param whose The user whose name, email and accounts the password must not be made of. Where there is
 * no user yet, it has no `id`, and the names of the `accounts` to come.
 * @param admit Runs after the password was found strong, and before the other server is called and the
 * hash is made.
 * @throws Refused (BAD_USER_INPUT, WEAK_PASSWORD); RateLimited after too many refused passwords; all that
 * `admit` throws.
 */
export async function choosePassword(
  ctx: Context,
  password: string,
  field: string[],
  whose: { id?: string; name: string; email: string; accounts?: string[] },
  admit: () => Promise<void> = () => Promise.resolve(),
): Promise<Chosen> {
  const { request, db } = ctx;
  assertLength(password, field);
  const chooser = { secret: "choice", ip: request.ip } as const;
  await countTry(db, chooser); // to score it costs as much as to check a guess
  const accounts = whose.id ? await accountNames(ctx, whose.id) : (whose.accounts ?? []);
  const words = [ctx.services.name, whose.name, whose.email, ...accounts];
  await assertStrong(password, words, field, request.ip);
  await admit();
  const unchecked = !(await assertUnbreached(ctx, password, field));
  const passwordHash = await hashPassword(password, request.ip);
  ctx.background(forgive(db, chooser));
  return { passwordHash, unchecked };
}

async function accountNames(ctx: Context, userId: string): Promise<string[]> {
  const rows = await ctx.db.query<{ name: string }>(sql`
    select a.name from memberships m join accounts a on a.id = m.account_id
    where m.user_id = ${userId} and m.removed_at is null and a.deleted_at is null
    order by m.id limit ${MOST_ACCOUNTS}::int`);
  return rows.map(({ name }) => name);
}

/** True where the password is in no known breach, or none is to be asked; false without an answer. */
async function assertUnbreached(
  { services, report }: Context,
  password: string,
  field: string[],
): Promise<boolean> {
  const { fetch: call, breachedPasswordsUrl: url } = services;
  if (!url) return true;
  const breached = await isBreached(call, url, password).catch((cause: unknown) => {
    const why = "A password was taken without knowing whether it is in a known breach.";
    report(new Error(why, { cause }));
    return null;
  });
  if (!breached) return breached !== null;
  throw new Refused(
    Refusal.WEAK_PASSWORD,
    "This password is in a known breach of another service, so attackers try it early. " +
      "Choose one that you have used nowhere else.",
    field,
  );
}
