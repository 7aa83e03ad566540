import { Event, type EventType, UserEvent } from "../../src/entities/Event";
import { CredentialKind } from "../../src/entities/Credential";
import type { Membership } from "../../src/entities/Membership";
import { SocialProvider } from "../../src/entities/Identity";
import { BillingRole, DeveloperRole, type Roles, TeamRole } from "../../src/entities/roles";
import { PrincipalKind } from "../../src/entities/Event";
import { Surface } from "../../src/entities/Session";
import { newId } from "../../src/ids";
import { db } from "./database";
import {
  aCredential,
  aMember,
  anAccount,
  anInvitation,
  anIdentity,
  anIPRestriction,
  aServiceUser,
  aSession,
  aUser,
} from "./factories";
import { HOSTILE, type Random } from "./randomDocuments";

export interface World {
  /** Tokens of callers of every kind, by what they are. */
  callers: { who: string; token: string }[];
  ids: string[];
}

const DAY = 86_400_000;

/** Accounts whose rows are in every state there is, with texts that break what is careless. */
export async function aWorld({ chance, pick, next }: Random): Promise<World> {
  const ids: string[] = [];
  const callers: World["callers"] = [];
  const past = () => new Date(Date.now() - Math.floor(next() * 300 * DAY) - DAY);
  const future = () => new Date(Date.now() + Math.floor(next() * 300 * DAY) + DAY);
  const text = () => pick(HOSTILE);
  const roles = (): Roles => ({
    administrator: chance(0.3),
    developer: pick(Object.values(DeveloperRole)),
    team: pick(Object.values(TeamRole)),
    billing: pick(Object.values(BillingRole)),
  });

  const users = [];
  for (let i = 0; i < 14; i++) {
    users.push(
      await aUser({
        name: text(),
        emailVerifiedAt: chance(0.8) ? past() : null,
        // The last is one that there are no mails in.
        language: pick(["en", "de", "tlh-Latn"]),
        createdAt: past(),
      }),
    );
  }
  const open = [];
  for (const size of [9, 5, 1]) {
    const account = await anAccount({ name: text(), createdAt: past() });
    open.push(account);
    const members: Membership[] = [];
    for (let i = 0; i < size; i++) {
      const of = i === 0 ? { ...roles(), administrator: true } : roles();
      const userId = users[(i * 3 + open.length) % users.length]!.id;
      if (members.some((other) => other.userId === userId)) continue;
      members.push(
        await aMember(account, of, {
          userId,
          createdAt: past(),
          disabledAt: i > 0 && chance(0.25) ? past() : null,
          removedAt: i === 2 || (i > 2 && chance(0.2)) ? past() : null,
        }),
      );
    }
    const bots = [];
    for (let i = 0; i < 3; i++) {
      bots.push(
        await aServiceUser(account, {
          name: `${text()} ${i}`,
          developer: pick(Object.values(DeveloperRole)),
          disabledAt: i > 0 && chance(0.3) ? past() : null,
          deletedAt: i > 1 && chance(0.5) ? past() : null,
        }),
      );
    }
    for (const owner of [...members, ...bots]) {
      for (let i = 0; i < 3; i++) {
        const { credential } = await aCredential(owner, {
          kind: pick(Object.values(CredentialKind)),
          description: text(),
          metadata: text(),
          expiresAt: chance(0.3) ? pick([past, future])() : null,
          revokedAt: chance(0.3) ? past() : null,
          lastUsedAt: chance(0.5) ? past() : null,
          lastUsedIp: chance(0.5) ? pick(["192.0.2.7", "2001:db8::1"]) : null,
          createdAt: past(),
        });
        if (chance(0.4)) ids.push(credential.id);
      }
    }
    for (let i = 0; i < 6; i++) {
      const state = pick(["acceptedAt", "declinedAt", "revokedAt", null]);
      const invitation = await anInvitation(members[0]!, {
        ...roles(),
        // Half of them by somebody who has left, where anybody has.
        inviterId: ((i % 2 && members.find((one) => one.removedAt)) || pick(members)).id,
        expiresAt: pick([past, future])(),
        ...(state && { [state]: past() }),
      });
      ids.push(invitation.id);
    }
    for (const surface of [Surface.API, Surface.DASHBOARD]) {
      ids.push((await anIPRestriction(account, surface)).id);
    }
    const actors = [...members.map((m) => m.userId), ...bots.map((b) => b.id), "expiry", 'a "job"'];
    for (let i = 0; i < 60; i++) {
      const id = newId("Event");
      if (chance(0.2)) ids.push(id);
      await insert(Event, { accountId: account.id, id, ...anEvent(actors) });
    }
    ids.push(account.id, ...members.map(({ id }) => id), ...bots.map(({ id }) => id));
    for (const member of members) {
      if (member.removedAt || member.disabledAt) continue;
      callers.push({ who: "a member's key", token: (await aCredential(member)).secret });
    }
    for (const bot of bots) {
      if (bot.deletedAt || bot.disabledAt) continue;
      callers.push({ who: "a service user's key", token: (await aCredential(bot)).secret });
    }
  }
  for (const user of users) {
    for (let i = 0; i < 3; i++) {
      const id = newId("Event");
      if (chance(0.2)) ids.push(id);
      await insert(UserEvent, { userId: user.id, id, ...anEvent([user.id]) });
    }
    for (const provider of Object.values(SocialProvider)) {
      if (chance(0.5)) continue;
      const email = chance(0.7) ? text() : null;
      const lastUsedAt = chance(0.5) ? past() : null;
      const identity = await anIdentity(user.id, { provider, email, lastUsedAt });
      ids.push(identity.id);
    }
    const { id, token } = await aSession(user.id);
    ids.push(id, user.id);
    callers.push({ who: "a session", token });
  }
  // Ids that nobody has, of every kind.
  for (const kind of [
    "Account",
    "Membership",
    "Event",
    "User",
    "ApiKey",
    "Session",
    "Identity",
  ] as const) {
    ids.push(newId(kind));
  }
  return { callers, ids };

  function anEvent(actors: string[]) {
    return {
      type: pick(["signed_in.v1", "member_disabled.v1", "x.v1"]) as EventType,
      occurredAt: past(),
      principalKind: pick(Object.values(PrincipalKind)),
      principalId: pick(actors),
      principalSubject: text(),
      surface: chance(0.2) ? null : pick(Object.values(Surface)),
      credentialId: chance(0.5) ? newId("ApiKey") : null,
      sessionId: chance(0.5) ? newId("Session") : null,
      objectId: pick(ids.length ? ids : actors),
      object: { name: text(), n: 1.5, nested: { list: [1, null, text()] }, [text()]: true },
      changes: chance(0.5) ? {} : { name: [text(), null] },
      decision: { action: "read", allowed: true, rule: text(), roles: [] },
      ip: chance(0.3) ? null : pick(["192.0.2.7", "10.1.2.3", "2001:db8::9"]),
      userAgent: chance(0.3) ? null : text(),
      requestId: chance(0.3) ? null : text(),
    };
  }
}

async function insert<E extends object>(entity: new () => E, fields: object): Promise<void> {
  await db.query(db.table(entity).insertion([Object.assign(new entity(), fields)]));
}
