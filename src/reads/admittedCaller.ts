import { hash } from "node:crypto";
import type { AccountEntries } from "../context/accountEntries";
import type { RememberedCaller } from "../context/rememberedCaller";
import { abilityIn, abilityOver } from "../policies/abilities";
import type { Ability } from "../policies/ability";
import { gate } from "../policies/gate";
import type { Principal, Request, Standing, Warning } from "../principal";

/** Stand in rules for the caller's own ids, so that callers with the same roles share plans. */
export const OWN = {
  accountId: "the account",
  principalId: "the caller",
  membershipId: "the caller's membership",
  serviceUserId: "the caller as service user",
  /** The one account of an API key, asked of rows that were not reached through it. */
  keyAccountId: "the key's account",
} as const;

/** Accounts in which the caller stands alike, but for ids. */
export interface Group {
  ability: Ability;
  standing: Standing;
  accountIds: string[];
}

/** Whether it is on record that a session entered an account. */
type Entries = Pick<AccountEntries, "has">;

/** A remembered caller, and which of their accounts the gate lets this request into. */
export class AdmittedCaller {
  readonly principal: Principal;
  readonly standings: readonly Standing[];
  readonly groups: Group[];
  readonly self: Ability;
  /** What plans for this caller depend on besides the document. */
  readonly shape: string;
  /** Accounts whose gate lets the caller in. */
  readonly open: string[];
  readonly membershipIds: string[];

  constructor(
    readonly remembered: RememberedCaller,
    /** What the gate says in accounts that it keeps the caller out of. */
    readonly refusals: Record<string, { code: string; message: string }>,
    /** What it warns of in those that it lets the caller into. */
    readonly warnings: Record<string, Warning[]>,
    private readonly entries: Entries,
  ) {
    const { principal, standings } = remembered;
    this.principal = principal;
    this.standings = standings;
    const groups = new Map<string, Group>();
    for (const one of standings) {
      if (one.accountId in refusals) continue;
      const alike: Standing = {
        ...one,
        accountId: OWN.accountId,
        principalId: OWN.principalId,
        membershipId: one.membershipId && OWN.membershipId,
        serviceUserId: one.serviceUserId && OWN.serviceUserId,
        facts: {}, // the gate's alone: rules don't see them
      };
      const key = JSON.stringify(alike);
      let group = groups.get(key);
      if (!group) {
        group = { ability: abilityIn(alike), standing: alike, accountIds: [] };
        groups.set(key, group);
      }
      group.accountIds.push(one.accountId);
    }
    const shapes = [...groups.keys()].sort();
    this.groups = shapes.map((key) => groups.get(key)!);
    this.open = this.groups.flatMap(({ accountIds }) => accountIds);
    this.membershipIds = standings.flatMap(({ membershipId }) => membershipId ?? []);
    const { kind, surface, emailVerified, accountId } = principal;
    this.self = abilityOver({
      ...principal,
      id: OWN.principalId,
      accountId: accountId && OWN.keyAccountId,
    });
    const shape = [kind, surface, emailVerified, accountId !== null, shapes];
    // A digest: it is part of a key that is put together for each request.
    this.shape = hash("sha1", JSON.stringify(shape), "base64");
  }

  /** Whether the caller can enter any open account with nothing to record and nothing to tell. */
  get entersSilently(): boolean {
    return this.notEntered.length === 0 && isEmpty(this.warnings);
  }

  /** Accounts open to the caller that their session may not have entered yet (E5). */
  get notEntered(): string[] {
    return this.open.filter((accountId) => !this.entries.has(this.principal, accountId));
  }
}

/** A request, as far as letting its caller in goes. */
export interface RequestToAdmit {
  readonly request: Request;
  readonly services: { readonly entries: Entries };
}

/** How each caller was let in the last time. */
const lastAdmitted = new WeakMap<RememberedCaller, AdmittedCaller>();

/** Asks the gate for this very request: the answer may depend on where it comes from. */
export function admit(
  remembered: RememberedCaller,
  { request, services: { entries } }: RequestToAdmit,
): AdmittedCaller {
  const { principal, standings } = remembered;
  const refusals: AdmittedCaller["refusals"] = {};
  const warnings: AdmittedCaller["warnings"] = {};
  for (const standing of standings) {
    const { accountId } = standing;
    const verdict = gate({ standing, principal, request });
    if (verdict.refusal) {
      const { code, message } = verdict.refusal;
      refusals[accountId] = { code, message };
    }
    if (verdict.warnings.length) warnings[accountId] = verdict.warnings;
  }
  const last = lastAdmitted.get(remembered);
  if (last && isSame(last.refusals, refusals) && isSame(last.warnings, warnings)) return last;
  const admitted = new AdmittedCaller(remembered, refusals, warnings, entries);
  lastAdmitted.set(remembered, admitted);
  return admitted;
}

function isSame(one: object, other: object): boolean {
  return isEmpty(one) ? isEmpty(other) : JSON.stringify(one) === JSON.stringify(other);
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
