import type { Keyring } from "../identity/encryption";
import type { SocialClient } from "../identity/providers";
import type { Fetch } from "../net/outbound";
import type { AccountEntries } from "./accountEntries";

/** What there is once for the whole server, as operations use it. */
export interface Services {
  /** How people know the service: what their authenticator app shows. */
  name: string;
  keyring: Keyring;
  /** The identity providers that are configured. */
  social: readonly SocialClient[];
  /** For calls to other servers: no other way leads out. */
  fetch: Fetch;
  /** Where passwords are looked up that are in known breaches; null for nowhere. */
  breachedPasswordsUrl: string | null;
  /** Which sessions have entered which accounts. */
  entries: AccountEntries;
}
