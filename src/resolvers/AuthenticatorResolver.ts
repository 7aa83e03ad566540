import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../context/context";
import { Authenticator } from "../entities/Authenticator";
import { confirmTotp } from "../operations/authenticators/confirmTotp";
import { disableTotp } from "../operations/authenticators/disableTotp";
import { enrollTotp } from "../operations/authenticators/enrollTotp";
import { regenerateRecoveryCodes } from "../operations/authenticators/regenerateRecoveryCodes";
import { Payload, payload } from "./payload";

@InputType({ description: "What `enrollTotp` takes." })
class EnrollTotpInput {
  @Field(() => String, {
    nullable: true,
    description: "Code of the app that is on now, or a recovery code; where there is one.",
  })
  code?: string | null;
}

@ObjectType({ description: "What sets up an authenticator app: shown this once." })
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

@InputType({ description: "What `confirmTotp` takes." })
class ConfirmTotpInput {
  @Field(() => String, { description: "Code that the app shows." })
  code: string;
}

@ObjectType({ description: "Codes that work once each, in place of the app: shown this once." })
class RecoveryCodes {
  @Field(() => [String], { description: "The ten codes." })
  codes: string[];

  @Field(() => String, { description: "The same as a text file to download and keep." })
  text: string;
}

@ObjectType()
abstract class RecoveryCodesPayload extends Payload {
  @Field(() => Authenticator, { nullable: true, description: "Authenticator as it now is." })
  authenticator?: Authenticator;

  @Field(() => RecoveryCodes, { nullable: true, description: "New recovery codes." })
  recoveryCodes?: RecoveryCodes;
}

@ObjectType({ description: "What `confirmTotp` answers." })
class ConfirmTotpPayload extends RecoveryCodesPayload {}

@ObjectType({ description: "What `regenerateRecoveryCodes` answers." })
class RegenerateRecoveryCodesPayload extends RecoveryCodesPayload {}

@InputType({ description: "What `disableTotp` takes." })
class DisableTotpInput {
  @Field(() => String, { description: "Code of the app, or a recovery code." })
  code: string;
}

@ObjectType({ description: "What `disableTotp` answers." })
class DisableTotpPayload extends Payload {
  @Field(() => Authenticator, { nullable: true, description: "Authenticator that was removed." })
  authenticator?: Authenticator;
}

@Resolver(() => Authenticator)
export class AuthenticatorResolver {
  @Mutation(() => EnrollTotpPayload, {
    nullable: true,
    description:
      "Sets up an authenticator app as your second factor. Nothing is on until `confirmTotp`. " +
      "Takes a proof of the last 15 minutes.",
  })
  enrollTotp(
    @Arg("input", () => EnrollTotpInput, { description: "What to do, and with what." })
    { code }: EnrollTotpInput,
    @Ctx() ctx: Context,
  ): Promise<EnrollTotpPayload> {
    return payload(() => enrollTotp(ctx, code ?? null));
  }

  @Mutation(() => ConfirmTotpPayload, {
    nullable: true,
    description:
      "Turns the second factor on with a first code, and answers with ten recovery codes. " +
      "Takes a proof of the last 15 minutes.",
  })
  confirmTotp(
    @Arg("input", () => ConfirmTotpInput, { description: "What to do, and with what." })
    { code }: ConfirmTotpInput,
    @Ctx() ctx: Context,
  ): Promise<ConfirmTotpPayload> {
    return payload(() => confirmTotp(ctx, code));
  }

  @Mutation(() => DisableTotpPayload, {
    nullable: true,
    description:
      "Turns the second factor off, with a code of it. Takes a proof of the last 15 minutes.",
  })
  disableTotp(
    @Arg("input", () => DisableTotpInput, { description: "What to do, and with what." })
    { code }: DisableTotpInput,
    @Ctx() ctx: Context,
  ): Promise<DisableTotpPayload> {
    return payload(async () => ({ authenticator: await disableTotp(ctx, code) }));
  }

  @Mutation(() => RegenerateRecoveryCodesPayload, {
    nullable: true,
    description:
      "Makes ten new recovery codes; those before are void. Takes a proof of the last 15 minutes.",
  })
  regenerateRecoveryCodes(@Ctx() ctx: Context): Promise<RegenerateRecoveryCodesPayload> {
    return payload(() => regenerateRecoveryCodes(ctx));
  }
}
