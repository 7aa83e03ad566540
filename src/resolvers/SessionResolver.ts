import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from "type-graphql";
import type { Context } from "../context/context";
import { Session } from "../entities/Session";
import { completeSignIn } from "../operations/sessions/completeSignIn";
import { endOtherSessions } from "../operations/sessions/endOtherSessions";
import { endSession } from "../operations/sessions/endSession";
import { reauthenticate } from "../operations/sessions/reauthenticate";
import { signIn } from "../operations/sessions/signIn";
import { signOut } from "../operations/sessions/signOut";
import {
  deliverSession,
  deliverSessionOrChallenge,
  OpenedPayload,
  SessionTransport,
} from "./sessionPayload";
import { Payload, payload } from "./payload";

@InputType({ description: "What `signIn` takes." })
class SignInInput {
  @Field(() => String, { description: "Email address of the user." })
  email: string;

  @Field(() => String, { description: "Password of the user." })
  password: string;

  @Field(() => SessionTransport, {
    defaultValue: SessionTransport.COOKIE,
    description: "How to keep the session.",
  })
  transport: SessionTransport;
}

@ObjectType({ description: "What `signIn` answers." })
class SignInPayload extends OpenedPayload {}

@InputType({ description: "What `completeSignIn` takes." })
class CompleteSignInInput {
  @Field(() => String, { description: "Token of the question, as `signIn` answered it." })
  challenge: string;

  @Field(() => String, { description: "Code of the authenticator app, or a recovery code." })
  code: string;

  @Field(() => SessionTransport, {
    defaultValue: SessionTransport.COOKIE,
    description: "How to keep the session.",
  })
  transport: SessionTransport;
}

@ObjectType({ description: "What `completeSignIn` answers." })
class CompleteSignInPayload extends OpenedPayload {}

@ObjectType({ description: "What `signOut` answers." })
class SignOutPayload extends Payload {
  @Field(() => Session, { nullable: true, description: "Session that was ended." })
  session?: Session;
}

@InputType({ description: "What `reauthenticate` takes." })
class ReauthenticateInput {
  @Field(() => String, { nullable: true, description: "Password of the user, who has one." })
  password?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Code of the authenticator app, or a recovery code, where the second factor is on.",
  })
  code?: string | null;
}

@ObjectType({ description: "What `reauthenticate` answers." })
class ReauthenticatePayload extends Payload {
  @Field(() => Session, { nullable: true, description: "Session as it now is." })
  session?: Session;

  @Field(() => String, {
    nullable: true,
    description: "New token of the session, shown this once; null when it went into the cookie.",
  })
  token?: string | null;
}

@InputType({ description: "What `endSession` takes." })
class EndSessionInput {
  @Field(() => ID, { description: "ID of the session to end." })
  sessionId: string;
}

@ObjectType({ description: "What `endSession` answers." })
class EndSessionPayload extends Payload {
  @Field(() => Session, { nullable: true, description: "Session that was ended." })
  session?: Session;
}

@ObjectType({ description: "What `endOtherSessions` answers." })
class EndOtherSessionsPayload extends Payload {
  @Field(() => Int, { nullable: true, description: "How many sessions were ended." })
  endedCount?: number;
}

@Resolver(() => Session)
export class SessionResolver {
  @FieldResolver(() => Boolean, { description: "Indicates whether this request came with it." })
  current(@Root() { id }: Session, @Ctx() { principal }: Context): boolean {
    return principal.sessionId === id;
  }

  @Mutation(() => SignInPayload, {
    nullable: true,
    description:
      "Opens a session with an email and its password, or asks for the second factor: `challenge`.",
  })
  signIn(
    @Arg("input", () => SignInInput, { description: "What to do, and with what." })
    { email, password, transport }: SignInInput,
    @Ctx() ctx: Context,
  ): Promise<SignInPayload> {
    return payload(async () =>
      deliverSessionOrChallenge(ctx, transport, await signIn(ctx, email, password)),
    );
  }

  @Mutation(() => CompleteSignInPayload, {
    nullable: true,
    description: "Opens the session of somebody who was asked for their second factor.",
  })
  completeSignIn(
    @Arg("input", () => CompleteSignInInput, { description: "What to do, and with what." })
    { challenge, code, transport }: CompleteSignInInput,
    @Ctx() ctx: Context,
  ): Promise<CompleteSignInPayload> {
    return payload(async () =>
      deliverSessionOrChallenge(ctx, transport, await completeSignIn(ctx, challenge, code)),
    );
  }

  @Mutation(() => SignOutPayload, { nullable: true, description: "Ends the session that asks." })
  signOut(@Ctx() ctx: Context): Promise<SignOutPayload> {
    return payload(async () => {
      const session = await signOut(ctx);
      ctx.browser.forgetSession();
      return { session };
    });
  }

  @Mutation(() => ReauthenticatePayload, {
    nullable: true,
    description:
      "Proves again that it is you, for what takes a proof of the last 15 minutes. The session " +
      "goes on under a new token, in the cookie or in the answer, as it came.",
  })
  reauthenticate(
    @Arg("input", () => ReauthenticateInput, { description: "What to do, and with what." })
    { password = null, code = null }: ReauthenticateInput,
    @Ctx() ctx: Context,
  ): Promise<ReauthenticatePayload> {
    return payload(async () => {
      const transport = ctx.browser.sentSession ? SessionTransport.COOKIE : SessionTransport.BEARER;
      return deliverSession(ctx, transport, await reauthenticate(ctx, { password, code }));
    });
  }

  @Mutation(() => EndSessionPayload, {
    nullable: true,
    description: "Ends a session of yours: nobody gets in with it from then on.",
  })
  endSession(
    @Arg("input", () => EndSessionInput, { description: "What to do, and with what." })
    { sessionId }: EndSessionInput,
    @Ctx() ctx: Context,
  ): Promise<EndSessionPayload> {
    return payload(async () => {
      const session = await endSession(ctx, sessionId);
      if (session.id === ctx.principal.sessionId) ctx.browser.forgetSession();
      return { session };
    });
  }

  @Mutation(() => EndOtherSessionsPayload, {
    nullable: true,
    description: "Ends all sessions of yours but the one that asks.",
  })
  endOtherSessions(@Ctx() ctx: Context): Promise<EndOtherSessionsPayload> {
    return payload(async () => ({ endedCount: (await endOtherSessions(ctx)).length }));
  }
}
