import { TypeID, typeidUnboxed } from "typeid-js";

/** Every kind of row that has an ID, and the prefix of its IDs. */
export const PREFIX = {
  User: "usr",
  Session: "ses",
  Authenticator: "aut",
  Identity: "idn",
  Account: "ac",
  Membership: "mem",
  ServiceUser: "su",
  Authtoken: "cr",
  ApiKey: "ak",
  Invitation: "inv",
  IPRestriction: "ipr",
  Event: "ev",
  OneTimeToken: "ott",
} as const;

/**
 * A new TypeID such as `mem_01h2xcejqtf2nbrexx3vqjhp41`: the kind, then a UUIDv7 (RFC 9562
 * section 5.7) in 26 characters of base 32.
 *
 * IDs sort by age, so they also serve as page cursors. They are names and not secrets: they tell when a row
 * was created, and an attacker may guess them. So no ID opens anything by itself.
 */
export function newId(kind: keyof typeof PREFIX): string {
  return typeidUnboxed(PREFIX[kind]);
}

/** A new ID of a request, for `x-request-id`, events and the log. */
export function newRequestId(): string {
  return typeidUnboxed("req");
}

/** The lowest ID that a row can have that is created at this moment: a bound for reading by time. */
export function firstIdAt(kind: keyof typeof PREFIX, moment: Date): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(moment.getTime()) << 16n);
  return TypeID.fromUUIDBytes(PREFIX[kind], bytes).toString();
}

const SHAPE = /^[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** Whether a text looks like an id of any kind. */
export function isId(text: string): boolean {
  return SHAPE.test(text);
}

/** The kind of row that an ID belongs to, by its prefix. */
export function kindOf(id: string): keyof typeof PREFIX | undefined {
  if (!isId(id)) return undefined;
  const prefix = id.slice(0, id.indexOf("_"));
  return (Object.keys(PREFIX) as (keyof typeof PREFIX)[]).find((kind) => PREFIX[kind] === prefix);
}
