import type { Context } from "../../context/context";
import { recordRefusal } from "../../context/refusals";
import type { Transaction } from "../../context/transaction";
import type { Queryable } from "../../database/database";
import { sql } from "../../database/sql";
import { Identity, type SocialProvider } from "../../entities/Identity";
import { SignInMethod } from "../../entities/Session";
import { Refusal, Refused } from "../../errors";
import { emailTyped } from "../../identity/emails";
import { type Person, PROVIDER_NAMES } from "../../identity/providers";
import { newId } from "../../ids";
import type { Language } from "../../mails/languages";
import { SIGN_UP, system } from "../../principal";
import { askProvider } from "../steps/askProvider";
import { type Claimant, claimantAs } from "../steps/claimant";
import { createUser } from "../steps/createUser";
import { findProvider } from "../steps/findProvider";
import { cleanName } from "../steps/lineFrom";
import { lockSubject } from "../steps/lockSubject";
import { type Opened, openSession } from "../steps/openSession";
import { NO_SESSION } from "../steps/recordSignInRefusal";
import { reserveEmail } from "../steps/reserveEmail";
import { forgiveAuthorization } from "../steps/startAuthorization";

/**
 * Signs in a person who has come back from a provider: as the user who has linked the identity, or as a
 * new user where the provider has verified an email that no user has (U8). An email alone signs in no
 * existing user: at the provider it may belong to another person by now.
 *
 * @throws Refused (PROVIDER_FAILED); (IDENTITY_NOT_LINKED) for an email that has a user, and for one that
 * is not verified, which is not looked up.
 */
export async function signInThrough(
  ctx: Context,
  provider: SocialProvider,
  secret: string,
  parameters: URLSearchParams,
): Promise<Opened> {
  const client = findProvider(ctx, provider);
  const person = await askProvider(ctx, client.identify(secret, parameters));
  const user = (await linked(ctx.db, provider, person)) ?? (await create(ctx, provider, person));
  forgiveAuthorization(ctx);
  return openSession(ctx, user, [SignInMethod[provider]], {
    // The user may have unlinked the identity since it was looked up.
    async prove(tx) {
      const [held] = await tx.query(sql`select from identities
        where provider = ${provider} and subject = ${person.subject} and user_id = ${user.id}`);
      if (!held) throw identityNotLinked(provider);
    },
  });
}

/** Finds the user who has linked an identity, and notes that it was used. */
async function linked(
  db: Pick<Queryable, "query">,
  provider: SocialProvider,
  { subject }: Person,
): Promise<Claimant | undefined> {
  const [user] = await db.query<Claimant>(sql`
    update identities i set last_used_at = ${new Date()} from users u
    where i.provider = ${provider} and i.subject = ${subject} and u.id = i.user_id
    returning u.id, u.email, u.name, u.email_verified_at is not null as "emailVerified"`);
  return user;
}

async function create(ctx: Context, provider: SocialProvider, person: Person): Promise<Claimant> {
  const notLinked = () => identityNotLinked(provider);
  if (!person.email || !person.emailVerified) throw notLinked();
  const email = emailTyped(person.email);
  try {
    return await ctx.as(system(SIGN_UP)).transaction(async (tx) => {
      // Locked, as the same person, or another one with this email, may come back at the same time.
      await lockSubject(tx, provider, person.subject);
      const before = await linked(tx.unrecorded("identities.last_used_at"), provider, person);
      if (before) return before;
      await reserveEmail(tx, email, notLinked);
      return begin(tx, provider, person, email, ctx.browser.language);
    });
  } catch (error) {
    if (error instanceof Refused) ctx.background(tell(ctx, provider, email));
    throw error;
  }
}

async function begin(
  tx: Transaction,
  provider: SocialProvider,
  { subject, email: told, name: called }: Person,
  email: string,
  language: Language,
): Promise<Claimant> {
  const name = cleanName(called) ?? cleanName(email.split("@")[0]!)!;
  const { id } = await createUser(tx, { email, name, passwordHash: null, language });
  const identity = Object.assign(new Identity(), {
    id: newId("Identity"),
    userId: id,
    ...{ provider, subject, email: told, lastUsedAt: tx.now, createdAt: tx.now },
  });
  tx.authorize("create", identity);
  await tx.save(identity);
  await tx.record("identity_linked.v1", identity);
  return { id, email, name, emailVerified: true };
}

/** Records the refusal for the user who has the email, which the provider has verified. */
async function tell({ db, request }: Context, provider: SocialProvider, email: string) {
  const [user] = await db.query<Claimant>(sql`
    select id, email, name, email_verified_at is not null as "emailVerified"
    from users where email = ${email}`);
  if (!user) return;
  const who = { ...claimantAs(user), methods: [SignInMethod[provider]] };
  await recordRefusal(db, who, request, {
    type: "sign_in_refused.v1",
    stream: { userId: user.id },
    objectId: user.id,
    decision: { ...NO_SESSION, code: Refusal.IDENTITY_NOT_LINKED },
  });
}

function identityNotLinked(provider: SocialProvider): Refused {
  const name = PROVIDER_NAMES[provider];
  return new Refused(
    Refusal.IDENTITY_NOT_LINKED,
    `Sign in as you usually do and link ${name}, or confirm your email address at ${name} first.`,
  );
}
