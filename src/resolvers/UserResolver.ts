import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../context/context";
import { User } from "../entities/User";
import { confirmEmail } from "../operations/users/confirmEmail";
import { requestPasswordReset } from "../operations/users/requestPasswordReset";
import { resendVerification } from "../operations/users/resendVerification";
import { resetPassword } from "../operations/users/resetPassword";
import { setPassword } from "../operations/users/setPassword";
import { signUp } from "../operations/users/signUp";
import { updateEmail } from "../operations/users/updateEmail";
import { updateLanguage } from "../operations/users/updateLanguage";
import { updatePassword } from "../operations/users/updatePassword";
import { verifyEmail } from "../operations/users/verifyEmail";
import { deliverSessionOrChallenge, OpenedPayload, SessionTransport } from "./sessionPayload";
import { Payload, payload } from "./payload";

@InputType({ description: "What `updatePassword` takes." })
class UpdatePasswordInput {
  @Field(() => String, { description: "Password that you have." })
  currentPassword: string;

  @Field(() => String, {
    description: "Password to have: 12 to 256 characters that are not easy to guess.",
  })
  newPassword: string;
}

@ObjectType({ description: "What `updatePassword` answers." })
class UpdatePasswordPayload extends Payload {
  @Field(() => User, { nullable: true, description: "User whose password was changed." })
  user?: User;
}

@InputType({ description: "What `setPassword` takes." })
class SetPasswordInput {
  @Field(() => String, {
    description: "Password to have: 12 to 256 characters that are not easy to guess.",
  })
  newPassword: string;
}

@ObjectType({ description: "What `setPassword` answers." })
class SetPasswordPayload extends Payload {
  @Field(() => User, { nullable: true, description: "User whose password was set." })
  user?: User;
}

@InputType({ description: "What `signUp` takes." })
class SignUpInput {
  @Field(() => String, { description: "Email address of the new user." })
  email: string;

  @Field(() => String, { description: "Password, of 12 to 256 characters." })
  password: string;

  @Field(() => String, { description: "Name of the new user, in their own words." })
  name: string;
}

@ObjectType({ description: "What `signUp` answers." })
class SignUpPayload extends Payload {
  @Field(() => String, { nullable: true, description: "Email address that the mail goes to." })
  email?: string;

  @Field(() => ID, { nullable: true, description: "ID of the sign-up, for `resendVerification`." })
  signUpId?: string;
}

@InputType({ description: "What `resendVerification` takes." })
class ResendVerificationInput {
  @Field(() => ID, { description: "ID of the sign-up, as `signUp` answered it." })
  signUpId: string;
}

@ObjectType({ description: "What `resendVerification` answers." })
class ResendVerificationPayload extends Payload {
  @Field(() => ID, { nullable: true, description: "ID of the sign-up." })
  signUpId?: string;
}

@InputType({ description: "What `verifyEmail` takes." })
class VerifyEmailInput {
  @Field(() => String, { description: "Token from the mailed link, after `#token=`." })
  token: string;

  @Field(() => String, { description: "Password that was signed up with." })
  password: string;

  @Field(() => SessionTransport, {
    defaultValue: SessionTransport.COOKIE,
    description: "How to keep the session.",
  })
  transport: SessionTransport;
}

@ObjectType({ description: "What `verifyEmail` answers." })
class VerifyEmailPayload extends OpenedPayload {
  @Field(() => User, {
    nullable: true,
    description: "User that was created.",
  })
  user?: User;
}

@InputType({ description: "What `requestPasswordReset` takes." })
class RequestPasswordResetInput {
  @Field(() => String, { description: "Email address of the user." })
  email: string;
}

@ObjectType({ description: "What `requestPasswordReset` answers." })
class RequestPasswordResetPayload extends Payload {
  @Field(() => String, { nullable: true, description: "Email address that the mail goes to." })
  email?: string;
}

@InputType({ description: "What `resetPassword` takes." })
class ResetPasswordInput {
  @Field(() => String, { description: "Token from the mailed link, after `#token=`." })
  token: string;

  @Field(() => String, { description: "New password, of 12 to 256 characters." })
  newPassword: string;
}

@ObjectType({ description: "What `resetPassword` answers." })
class ResetPasswordPayload extends Payload {
  @Field(() => User, { nullable: true, description: "User whose password was set." })
  user?: User;
}

@InputType({ description: "What `updateEmail` takes." })
class UpdateEmailInput {
  @Field(() => String, { description: "Email address to sign in with from now on." })
  email: string;
}

@ObjectType({ description: "What `updateEmail` answers." })
class UpdateEmailPayload extends Payload {
  @Field(() => String, { nullable: true, description: "Email address that the mail goes to." })
  email?: string;
}

@InputType({ description: "What `confirmEmail` takes." })
class ConfirmEmailInput {
  @Field(() => String, { description: "Token from the mailed link, after `#token=`." })
  token: string;
}

@ObjectType({ description: "What `confirmEmail` answers." })
class ConfirmEmailPayload extends Payload {
  @Field(() => User, { nullable: true, description: "User with their new address." })
  user?: User;
}

@InputType({ description: "What `updateLanguage` takes." })
class UpdateLanguageInput {
  @Field(() => String, { description: "Language of mails to you from now on (BCP 47): `de`." })
  language: string;
}

@ObjectType({ description: "What `updateLanguage` answers." })
class UpdateLanguagePayload extends Payload {
  @Field(() => String, { nullable: true, description: "Language of mails to you from now on." })
  language?: string;
}

@Resolver(() => User)
export class UserResolver {
  @Mutation(() => UpdatePasswordPayload, {
    nullable: true,
    description: "Changes your password, and ends all sessions of yours but the one that asks.",
  })
  updatePassword(
    @Arg("input", () => UpdatePasswordInput, { description: "What to do, and with what." })
    { currentPassword, newPassword }: UpdatePasswordInput,
    @Ctx() ctx: Context,
  ): Promise<UpdatePasswordPayload> {
    return payload(async () => ({ user: await updatePassword(ctx, currentPassword, newPassword) }));
  }

  @Mutation(() => SetPasswordPayload, {
    nullable: true,
    description:
      "Sets your first password, where you sign in without one. Takes a proof of the last 15 minutes.",
  })
  setPassword(
    @Arg("input", () => SetPasswordInput, { description: "What to do, and with what." })
    { newPassword }: SetPasswordInput,
    @Ctx() ctx: Context,
  ): Promise<SetPasswordPayload> {
    return payload(async () => ({ user: await setPassword(ctx, newPassword) }));
  }

  @Mutation(() => SignUpPayload, {
    nullable: true,
    description:
      "Signs up with an email and a password. The user is created once the mailed link was followed.",
  })
  signUp(
    @Arg("input", () => SignUpInput, { description: "What to do, and with what." })
    input: SignUpInput,
    @Ctx() ctx: Context,
  ): Promise<SignUpPayload> {
    return payload(async () => signUp(ctx, input));
  }

  @Mutation(() => ResendVerificationPayload, {
    nullable: true,
    description: "Mails the link of a sign-up again; the one before is void.",
  })
  resendVerification(
    @Arg("input", () => ResendVerificationInput, { description: "What to do, and with what." })
    input: ResendVerificationInput,
    @Ctx() ctx: Context,
  ): Promise<ResendVerificationPayload> {
    return payload(async () => ({ signUpId: await resendVerification(ctx, input.signUpId) }));
  }

  @Mutation(() => VerifyEmailPayload, {
    nullable: true,
    description: "Confirms the email of a sign-up, which creates the user and signs them in.",
  })
  verifyEmail(
    @Arg("input", () => VerifyEmailInput, { description: "What to do, and with what." })
    input: VerifyEmailInput,
    @Ctx() ctx: Context,
  ): Promise<VerifyEmailPayload> {
    const { token, password, transport } = input;
    return payload(async () =>
      deliverSessionOrChallenge(ctx, transport, await verifyEmail(ctx, token, password)),
    );
  }

  @Mutation(() => RequestPasswordResetPayload, {
    nullable: true,
    description:
      "Mails a link to choose a new password with. Answers alike whether or not the email has a user.",
  })
  requestPasswordReset(
    @Arg("input", () => RequestPasswordResetInput, { description: "What to do, and with what." })
    input: RequestPasswordResetInput,
    @Ctx() ctx: Context,
  ): Promise<RequestPasswordResetPayload> {
    return payload(async () => ({ email: await requestPasswordReset(ctx, input.email) }));
  }

  @Mutation(() => ResetPasswordPayload, {
    nullable: true,
    description:
      "Sets a new password with the token of a mailed link, and ends all sessions of the user.",
  })
  resetPassword(
    @Arg("input", () => ResetPasswordInput, { description: "What to do, and with what." })
    input: ResetPasswordInput,
    @Ctx() ctx: Context,
  ): Promise<ResetPasswordPayload> {
    return payload(async () => ({
      user: await resetPassword(ctx, input.token, input.newPassword),
    }));
  }

  @Mutation(() => UpdateEmailPayload, {
    nullable: true,
    description:
      "Mails a link to the address that you want to sign in with. Takes a proof of the last 15 minutes.",
  })
  updateEmail(
    @Arg("input", () => UpdateEmailInput, { description: "What to do, and with what." })
    { email }: UpdateEmailInput,
    @Ctx() ctx: Context,
  ): Promise<UpdateEmailPayload> {
    return payload(async () => ({ email: await updateEmail(ctx, email) }));
  }

  @Mutation(() => ConfirmEmailPayload, {
    nullable: true,
    description: "Makes the address that the link was mailed to the one that you sign in with.",
  })
  confirmEmail(
    @Arg("input", () => ConfirmEmailInput, { description: "What to do, and with what." })
    { token }: ConfirmEmailInput,
    @Ctx() ctx: Context,
  ): Promise<ConfirmEmailPayload> {
    return payload(async () => ({ user: await confirmEmail(ctx, token) }));
  }

  @Mutation(() => UpdateLanguagePayload, {
    nullable: true,
    description: "Changes the language of mails to you.",
  })
  updateLanguage(
    @Arg("input", () => UpdateLanguageInput, { description: "What to do, and with what." })
    { language }: UpdateLanguageInput,
    @Ctx() ctx: Context,
  ): Promise<UpdateLanguagePayload> {
    return payload(async () => ({ language: await updateLanguage(ctx, language) }));
  }
}
