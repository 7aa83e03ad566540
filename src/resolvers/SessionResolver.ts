import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  InputType,
  Mutation,
  ObjectType,
  registerEnumType,
  Resolver,
  Root,
} from "type-graphql";
import type { Context } from "../context";
import { Session } from "../entities/Session";
import { signIn } from "../operations/sessions/signIn";
import { signOut } from "../operations/sessions/signOut";
import { Payload, payload } from "./payload";

enum SessionTransport {
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
class SignInPayload extends Payload {
  @Field(() => Session, { nullable: true, description: "Session that was opened." })
  session?: Session;

  @Field(() => String, {
    nullable: true,
    description: "Token of the session, shown this once; null when it went into a cookie.",
  })
  token?: string | null;
}

@ObjectType({ description: "What `signOut` answers." })
class SignOutPayload extends Payload {
  @Field(() => Session, { nullable: true, description: "Session that was ended." })
  session?: Session;
}

@Resolver(() => Session)
export class SessionResolver {
  @FieldResolver(() => Boolean, { description: "Indicates whether this request came with it." })
  current(@Root() { id }: Session, @Ctx() { principal }: Context): boolean {
    return principal.sessionId === id;
  }

  @Mutation(() => SignInPayload, {
    nullable: true,
    description: "Opens a session with an email and its password.",
  })
  signIn(
    @Arg("input", () => SignInInput, { description: "What to do, and with what." })
    { email, password, transport }: SignInInput,
    @Ctx() ctx: Context,
  ): Promise<SignInPayload> {
    return payload(async () => {
      const { session, token } = await signIn(ctx, email, password);
      if (transport === SessionTransport.BEARER) return { session, token };
      ctx.cookie(token);
      return { session, token: null };
    });
  }

  @Mutation(() => SignOutPayload, { nullable: true, description: "Ends the session that asks." })
  signOut(@Ctx() ctx: Context): Promise<SignOutPayload> {
    return payload(async () => {
      const session = await signOut(ctx);
      ctx.cookie(null);
      return { session };
    });
  }
}
