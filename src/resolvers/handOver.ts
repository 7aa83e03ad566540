import { registerEnumType } from "type-graphql";
import type { Context } from "../context";

export enum SessionTransport {
  COOKIE = "COOKIE",
  BEARER = "BEARER",
}
registerEnumType(SessionTransport, {
  name: "SessionTransport",
  description: "How a client keeps its session.",
  valuesConfig: {
    COOKIE: { description: "In a cookie that scripts can't read: for browsers." },
    BEARER: { description: "In the answer, for the Authorization header: for everyone else." },
  },
});

/** Gives a client its new session: the token goes into a cookie or into the answer, never both. */
export function handOver<T extends { token: string }>(
  ctx: Context,
  transport: SessionTransport,
  opened: T,
): Omit<T, "token"> & { token: string | null } {
  if (transport === SessionTransport.BEARER) return opened;
  ctx.cookie(opened.token);
  return { ...opened, token: null };
}
