import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { enrollTotp } from "../../operations/authenticators/enrollTotp";
import { MaxBytes } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `enrollTotp` takes." })
class EnrollTotpInput {
  @Field(() => String, {
    nullable: true,
    description: "Code of the app that is on now, or a recovery code; only where an app is on.",
  })
  @MaxBytes(64)
  code?: string | null;
}

@ObjectType({ description: "What sets up an authenticator app. Only this answer has it." })
class TotpSetup {
  @Field(() => String, { description: "URI that opens an authenticator app (`otpauth://…`)." })
  otpauthUri: string;

  @Field(() => String, { description: "Secret in base 32, to type where nothing can be scanned." })
  secret: string;

  @Field(() => String, { description: "QR code of the URI, as SVG." })
  qrSvg: string;

  @Field(() => String, { description: "QR code of the URI, as the data URL of a PNG." })
  qrPng: string;
}

@ObjectType({ description: "What `enrollTotp` answers." })
class EnrollTotpPayload extends Payload {
  @Field(() => TotpSetup, { nullable: true, description: "What sets up the app." })
  setup?: TotpSetup;
}

@Resolver()
export class EnrollTotp {
  @Mutation(() => EnrollTotpPayload, {
    nullable: true,
    description:
      "Sets up an authenticator app as your second factor. It is not on until `confirmTotp`. " +
      "Takes a proof of the last 15 minutes.",
  })
  enrollTotp(
    @Arg("input", () => EnrollTotpInput, { description: "Input of the mutation." })
    { code }: EnrollTotpInput,
    @Ctx() ctx: Context,
  ): Promise<EnrollTotpPayload> {
    return payload(() => enrollTotp(ctx, code ?? null));
  }
}
