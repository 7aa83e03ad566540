import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Authenticator } from "../../entities/Authenticator";
import { disableTotp } from "../../operations/authenticators/disableTotp";
import { MaxBytes } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `disableTotp` takes." })
class DisableTotpInput {
  @Field(() => String, { description: "Code of the app, or a recovery code." })
  @MaxBytes(64)
  code: string;
}

@ObjectType({ description: "What `disableTotp` answers." })
class DisableTotpPayload extends Payload {
  @Field(() => Authenticator, { nullable: true, description: "Authenticator that was removed." })
  authenticator?: Authenticator;
}

@Resolver()
export class DisableTotp {
  @Mutation(() => DisableTotpPayload, {
    nullable: true,
    description:
      "Turns the second factor off, with a code of it. Takes a proof of the last 15 minutes.",
  })
  disableTotp(
    @Arg("input", () => DisableTotpInput, { description: "Input of the mutation." })
    { code }: DisableTotpInput,
    @Ctx() ctx: Context,
  ): Promise<DisableTotpPayload> {
    return payload(async () => ({ authenticator: await disableTotp(ctx, code) }));
  }
}
