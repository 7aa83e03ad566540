import { registerEnumType } from "type-graphql";

/**
 * An answer of "no" on purpose. Any other error is a bug, and its caller gets no details of it.
 *
 * `message` is for the caller. What only the operator may know goes into `cause`.
 */
export abstract class DomainError extends Error {
  abstract readonly code: Code;
  /** What a program needs besides the code. */
  readonly details: Record<string, unknown> = {};
}

export type AuthenticationCode =
  "UNAUTHENTICATED" | "INVALID_CREDENTIALS" | "MFA_INVALID" | "WRONG_CREDENTIAL_KIND";

/** The session, key, password or code that the caller sent proves nothing, or the caller sent none. */
export class Unauthenticated extends DomainError {
  constructor(
    message: string,
    readonly code: AuthenticationCode = "UNAUTHENTICATED",
  ) {
    super(message);
  }
}

/** The row does not exist, or the caller may not see it. The two look alike on purpose (Y3). */
export class NotFound extends DomainError {
  readonly code = "NOT_FOUND";
  constructor(id: string) {
    super(`Nothing here has the ID ${id}.`);
  }
}

export type DenialCode =
  | "FORBIDDEN"
  | "ADMINISTRATOR_REQUIRED"
  | "MEMBER_DISABLED"
  | "MFA_ENROLLMENT_REQUIRED"
  | "REAUTHENTICATION_REQUIRED";

/** Why the caller may not do something. It holds only what the caller may know (Y4). */
export interface Denial {
  action: string;
  /** The row that the caller wanted to act on. */
  subject: { type: string; id: string | null };
  /** The rule that decided, or null when no rule allows it. */
  rule: string | null;
  /** Roles that would allow it. Each is enough, in addition to the roles that the caller has. */
  allowedBy: string[];
}

/** The caller may see the row, and may not do this to it. */
export class Forbidden extends DomainError {
  override readonly details: Record<string, unknown>;
  constructor(
    readonly code: DenialCode,
    message: string,
    readonly decision?: Denial,
  ) {
    super(message);
    this.details = decision ? { decision } : {};
  }
}

/** The caller has made too many tries. The same request may succeed later. */
export class RateLimited extends DomainError {
  readonly code = "RATE_LIMITED";
  override readonly details: { retryAfter: number };
  constructor(retryAfterSeconds: number) {
    const seconds = retryAfterSeconds === 1 ? "second" : "seconds";
    super(`Too many tries. Try again in ${retryAfterSeconds} ${seconds}.`);
    this.details = { retryAfter: retryAfterSeconds };
  }
}

/** The database did not answer the query within its time limit. */
export class TakesTooLong extends DomainError {
  readonly code = "QUERY_TOO_COMPLEX";
  constructor(cause: unknown) {
    super("The query took too long. Ask for smaller pages (`first` or `last`) or fewer fields.", {
      cause,
    });
  }
}

/** Many rows match each condition of the filter, and too few match all: the search was given up. */
export class LooksTooFar extends DomainError {
  readonly code = "QUERY_TOO_COMPLEX";
  constructor(cause: unknown) {
    super(
      "The search was stopped after too many rows that do not match the filter. Narrow it: events by " +
        "`from` and `until`, members by a longer `text`.",
      { cause },
    );
  }
}

/** The database does not answer. Nothing was changed, and the same request may succeed later. */
export class Unavailable extends DomainError {
  readonly code = "SERVICE_UNAVAILABLE";
  constructor(cause: unknown) {
    super("The service is not available right now. Try again in a moment.", { cause });
  }
}

/** The caller may do this, but the state or the input prevents it. The message says what to do. */
export class Refused extends DomainError {
  constructor(
    readonly code: Refusal,
    message: string,
    /** Path to the part of the input at fault, from `input` down. */
    readonly field: string[] | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An error in the form from which every surface makes its own answer. */
export interface Rendered {
  code: Code;
  message: string;
  /** Path to the part of the input at fault. */
  field: readonly string[] | null;
  /** What a program needs besides the code. */
  details: Record<string, unknown>;
  /** Status of an HTTP answer that consists of this error alone. */
  status: number;
  /** HTTP headers that belong to that status. */
  headers: Record<string, string>;
  /** Whether the operator has to act: the cause goes into the log, and the caller gets a request ID. */
  internal: boolean;
}

/** Renders what the caller may know of an error. All bugs look alike. */
export function render(error: unknown): Rendered {
  const away = error instanceof Unavailable;
  if (!(error instanceof DomainError)) {
    const message = "Something went wrong.";
    const code = "INTERNAL_SERVER_ERROR";
    const status = STATUS[code];
    return { code, message, field: null, details: {}, status, headers: {}, internal: true };
  }
  const { code, message, details } = error;
  return {
    code,
    message,
    field: error instanceof Refused ? error.field : null,
    details,
    status: STATUS[code],
    headers: headersOf(error),
    internal: away,
  };
}

/** Every code that is answered, but for what GraphQL itself says of a document (docs/errors.md). */
export type Code =
  | AuthenticationCode
  | DenialCode
  | Refusal
  | "NOT_FOUND"
  | "RATE_LIMITED"
  | "QUERY_TOO_COMPLEX"
  | "BAD_REQUEST"
  | "SERVICE_UNAVAILABLE"
  | "INTERNAL_SERVER_ERROR";

/** Status of an HTTP answer that holds nothing but an error of this code (RFC 9110, section 15.5). */
export const STATUS: Record<Code, number> = {
  UNAUTHENTICATED: 401,
  INVALID_CREDENTIALS: 401,
  MFA_INVALID: 401,
  WRONG_CREDENTIAL_KIND: 401,
  FORBIDDEN: 403,
  ADMINISTRATOR_REQUIRED: 403,
  MEMBER_DISABLED: 403,
  MFA_ENROLLMENT_REQUIRED: 403,
  REAUTHENTICATION_REQUIRED: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  RATE_LIMITED: 429,
  BAD_REQUEST: 400,
  BAD_USER_INPUT: 400,
  IDENTITY_NOT_LINKED: 400,
  LAST_ADMINISTRATOR: 400,
  MFA_CHALLENGE: 400,
  MFA_REQUIRED_BY_ACCOUNT: 400,
  PASSWORD_NOT_SET: 400,
  PROVIDER_FAILED: 400,
  QUERY_TOO_COMPLEX: 400,
  ROLE_ABOVE_OWN: 400,
  TOKEN_INVALID: 400,
  WEAK_PASSWORD: 400,
  WOULD_LOCK_OUT: 400,
  INTERNAL_SERVER_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
};

function headersOf(error: DomainError): Record<string, string> {
  if (error instanceof Unauthenticated) return { "www-authenticate": "Bearer" };
  if (error instanceof Unavailable) return { "retry-after": "1" };
  if (error instanceof RateLimited) return { "retry-after": String(error.details.retryAfter) };
  return {};
}

export enum Refusal {
  BAD_USER_INPUT = "BAD_USER_INPUT",
  CONFLICT = "CONFLICT",
  IDENTITY_NOT_LINKED = "IDENTITY_NOT_LINKED",
  LAST_ADMINISTRATOR = "LAST_ADMINISTRATOR",
  MFA_CHALLENGE = "MFA_CHALLENGE",
  MFA_REQUIRED_BY_ACCOUNT = "MFA_REQUIRED_BY_ACCOUNT",
  PASSWORD_NOT_SET = "PASSWORD_NOT_SET",
  PROVIDER_FAILED = "PROVIDER_FAILED",
  ROLE_ABOVE_OWN = "ROLE_ABOVE_OWN",
  TOKEN_INVALID = "TOKEN_INVALID",
  WEAK_PASSWORD = "WEAK_PASSWORD",
  WOULD_LOCK_OUT = "WOULD_LOCK_OUT",
}
registerEnumType(Refusal, {
  name: "UserErrorCode",
  description:
    "Why a request was refused. New codes may be added; treat an unknown one as a plain refusal.",
  valuesConfig: {
    BAD_USER_INPUT: { description: "Something in the input can't be used; `field` says what." },
    CONFLICT: { description: "The present state does not allow it; `message` says why." },
    IDENTITY_NOT_LINKED: {
      description:
        "No user has linked this identity, and its email can't make a new user: it is not " +
        "verified, or has a user already.",
    },
    LAST_ADMINISTRATOR: { description: "The account would have no active administrator." },
    MFA_CHALLENGE: { description: "A code of the second factor is required." },
    MFA_REQUIRED_BY_ACCOUNT: { description: "An account of yours requires the second factor." },
    PASSWORD_NOT_SET: { description: "The user signs in without a password." },
    PROVIDER_FAILED: { description: "GitHub or Google did not say who you are." },
    ROLE_ABOVE_OWN: { description: "You can't grant a role above your own." },
    TOKEN_INVALID: { description: "The link or its token is expired, used or unknown." },
    WEAK_PASSWORD: { description: "The password is easy to guess, or is in a known breach." },
    WOULD_LOCK_OUT: { description: "The change would take away your own access." },
  },
});
