import { credentialIsGood, sessionIsOpen } from "../context/proof";
import { fingerprintOf } from "../context/rememberedCaller";
import { placeKind } from "../context/standing";
import { raw, type Sql, sql } from "../database/sql";
import { ACCOUNT_IS_OPEN, factsOf, PLACE_IS_HELD, PLACES, USER_OF } from "../policies/gate";
import type { Standing } from "../principal";
import type { AdmittedCaller } from "./admittedCaller";
import { Own, source } from "./plan";

const role = (name: keyof Standing["roles"]) =>
  source(({ caller }) => caller.standings[0]!.roles[name]);

/** What a statement may ask of the caller. */
export const CALLER = {
  principalId: new Own("id"),
  accountId: new Own("accountId"),
  credentialId: new Own("credentialId"),
  sessionId: new Own("sessionId"),
  emailVerified: new Own("emailVerified"),
  tokenHash: source(({ caller }) => caller.remembered.tokenHash),
  fingerprint: source(({ caller }) => caller.remembered.fingerprint),
  /** Of an API key, which has one place: the membership's or service user's id, and its roles. */
  placeId: source(({ caller: { standings } }) => {
    const { membershipId, serviceUserId } = standings[0]!;
    return membershipId ?? serviceUserId;
  }),
  administrator: role("administrator"),
  developer: role("developer"),
  team: role("team"),
  billing: role("billing"),
  /** What the gate looks at there. */
  facts: source(({ caller }) => JSON.stringify(caller.standings[0]!.facts)),
  membershipIds: source(({ caller }) => caller.membershipIds),
  open: source(({ caller }) => caller.open),
  refusals: source(({ caller }) => JSON.stringify(caller.refusals)),
};

/**
 * One row where the caller is still as remembered, and none where anything has changed that rules
 * or the gate look at. A test changes each of them and asks again.
 */
export function guard({ principal }: AdmittedCaller, accounts: boolean): Sql {
  if (principal.sessionId) {
    const same = sql` and ${fingerprintOf(raw("p.user_id"))} = ${CALLER.fingerprint}`;
    return sql`sessions p join users u on u.id = p.user_id
      where p.token_hash = ${CALLER.tokenHash} and ${sessionIsOpen("p")}
        and p.id = ${CALLER.sessionId} and u.id = ${CALLER.principalId}
        and (u.email_verified_at is not null) = ${CALLER.emailVerified}${accounts ? same : raw("")}`;
  }
  const kind = placeKind(principal);
  const [foreignKey, ofUser] = {
    member: [
      raw("p.membership_id"),
      sql`${USER_OF.member} and m.user_id = ${CALLER.principalId}
        and (u.email_verified_at is not null) = ${CALLER.emailVerified}
        and m.administrator = ${CALLER.administrator} and m.team = ${CALLER.team}
        and m.billing = ${CALLER.billing}`,
    ] as const,
    serviceUser: [raw("p.service_user_id"), raw("")] as const,
  }[kind];
  return sql`credentials p join accounts a on a.id = p.account_id and ${ACCOUNT_IS_OPEN}
      join ${PLACES[kind]} m on m.account_id = p.account_id and m.id = ${foreignKey}
        and ${PLACE_IS_HELD[kind]}${ofUser}
    where p.account_id = ${CALLER.accountId} and p.secret_hash = ${CALLER.tokenHash}
      and p.id = ${CALLER.credentialId} and p.kind = 'API_KEY' and ${credentialIsGood}
      and m.id = ${CALLER.placeId} and m.developer = ${CALLER.developer}
      and ${factsOf(kind)} = ${CALLER.facts}::jsonb`;
}
