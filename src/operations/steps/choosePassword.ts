import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { Refusal, Refused } from "../../errors";
import { isBreached } from "../../identity/breaches";
import { assertLength, assertStrong, hashPassword } from "../../identity/passwords";
import { countTry, forgive } from "../../identity/throttle";

/** zxcvbn compares a password with every word it is given. */
const MOST_ACCOUNTS = 100;

export interface Chosen {
  passwordHash: string;
  /** Nobody could say whether it is in a known breach. */
  unchecked: boolean;
}

/**
 * Takes the password that somebody chose, where it is strong and in no known breach. Another server
 * is asked about breaches, so never in a transaction; where it gives no answer, the password is
 * taken: nobody is to be kept out by its absence.
 *
 * @param whose Whose words it must not be made of: where there is no user yet, no `id` and the
 * names of the `accounts` to come.
 * @param admit What has to go well before another server is asked, and a hash is made.
 * @throws Refused (BAD_USER_INPUT, WEAK_PASSWORD), and whatever `admit` throws in between; RateLimited
 * after too many that were refused.
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
  await countTry(db, chooser); // it costs as much as a guess
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

/** Whether it is known to be in no breach, as far as anybody was to be asked. */
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
