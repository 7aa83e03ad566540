import { Field, ObjectType, registerEnumType } from "type-graphql";
import { GraphQLISODateTime } from "type-graphql";
import type { Context } from "../context/context";
import { Session } from "../entities/Session";
import { Refusal } from "../errors";
import { keepSession } from "../operations/sessions/keepSession";
import type { Opened } from "../operations/steps/openSession";
import { Payload } from "./payload";

export enum SessionTransport {
  COOKIE = "COOKIE",
  BEARER = "BEARER",
}
registerEnumType(SessionTransport, {
  name: "SessionTransport",
  description: "How a client keeps its session.",
  valuesConfig: {
    COOKIE: { description: "In a cookie that scripts can't read: for browsers." },
    BEARER: { description: "In the answer, for the Authorization header: for other clients." },
  },
});

@ObjectType({
  description: "The challenge to send a code of the second factor, before there is a session.",
})
class SignInChallenge {
  @Field(() => String, {
    description: "Token to send to `completeSignIn` with the code; works once.",
  })
  token: string;

  @Field(() => GraphQLISODateTime, { description: "Timestamp of when the challenge expires." })
  expiresAt: Date;
}

/** The payload of every mutation that opens a session. */
@ObjectType()
export abstract class OpenedPayload extends Payload {
  @Field(() => Session, { nullable: true, description: "Session that was opened." })
  session?: Session | null;

  @Field(() => String, {
    nullable: true,
    description: "Token of the session, shown this once; null when it went into a cookie.",
  })
  token?: string | null;

  @Field(() => SignInChallenge, {
    nullable: true,
    description: "Set instead of a session where a code of the second factor is needed.",
  })
  challenge?: SignInChallenge | null;
}

/** Gives a client its new session: the token goes into a cookie or into the answer, never both. */
export async function deliverSession<T extends { token: string }>(
  ctx: Context,
  transport: SessionTransport,
  opened: T,
): Promise<Omit<T, "token"> & { token: string | null }> {
  if (transport === SessionTransport.BEARER) return opened;
  await keepSession(ctx, opened.token);
  return { ...opened, token: null };
}

/** Delivers the session, or the challenge where a code of the second factor is needed first. */
export async function deliverSessionOrChallenge<T extends Opened>(
  ctx: Context,
  transport: SessionTransport,
  opened: T,
): Promise<Partial<OpenedPayload>> {
  if (opened.session) return deliverSession(ctx, transport, opened);
  const message =
    "Enter a code of your authenticator app, or a recovery code: call `completeSignIn` with it.";
  return { ...opened, userErrors: [{ code: Refusal.MFA_CHALLENGE, message, field: null }] };
}
