import type { SignInMethod } from "../entities/Session";
import { Session } from "../entities/Session";
import { newId } from "../ids";
import type { Request } from "../principal";
import { newToken } from "./tokens";

/** A session ends when it was not used for so long. */
export const IDLE_MS = 14 * 24 * 60 * 60 * 1000;
/** Every session ends after so long. */
export const ABSOLUTE_MS = 90 * 24 * 60 * 60 * 1000;

/** Sensitive changes take a proof that is not older than this (U11). */
const FRESH_MS = 15 * 60 * 1000;

export function isFresh(authenticatedAt: Date | null, now: Date): boolean {
  return authenticatedAt !== null && now.getTime() - authenticatedAt.getTime() <= FRESH_MS;
}

/** A session to save, and its token, of which only a hash is stored. */
export function newSession(
  userId: string,
  methods: SignInMethod[],
  request: Request,
  deviceHash: Buffer | null,
  now: Date,
): { session: Session; token: string } {
  const { text, hash } = newToken("SESSION", null);
  const session = Object.assign(new Session(), {
    id: newId("Session"),
    userId,
    tokenHash: hash,
    deviceHash,
    methods,
    authenticatedAt: now,
    ip: request.ip,
    userAgent: request.userAgent,
    signedInIp: request.ip,
    signedInUserAgent: request.userAgent,
    lastUsedAt: now,
    expiresAt: new Date(now.getTime() + ABSOLUTE_MS),
    endedAt: null,
    createdAt: now,
  });
  return { session, token: text };
}
