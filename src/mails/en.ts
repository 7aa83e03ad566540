import type { Notice } from "./queueMail";
import { type Letter, noticesIn, type Notify } from "./letter";

const whenAndWhere = (at: string, ip: string | null) =>
  `${at.slice(0, 16).replace("T", " at ")} UTC${ip ? ` (from the address ${ip})` : ""}`;
const IGNORE = "If it was not you, you can ignore this mail: nothing has changed.";
const NOT_YOU =
  "If it was not you, choose a new password at once, and tell whoever runs this service.";
const notice = noticesIn(whenAndWhere, NOT_YOU);

/** An intruder may have linked an identity of theirs, which a new password leaves. */
const stillLinked = (providers: string | null) =>
  providers ? ` Signing in through ${providers} goes on working; unlink what is not yours.` : "";

/** The mails in English. */
export const en = {
  // No name: whoever signed up chose it, and may be a stranger with something to sell.
  verifyEmail: (url: string): Letter => ({
    subject: "Confirm your email address",
    paragraphs: [
      "Somebody, hopefully you, signed up with this email address. To finish, confirm that it is yours, with the password you have chosen.",
    ],
    link: { label: "Confirm my email address", url },
    after: [
      "The link works once, for 24 hours.",
      "If you did not sign up, do not follow it: no user is created without it.",
    ],
  }),
  alreadySignedUp: (appUrl: string): Letter => ({
    subject: "You already have a user",
    paragraphs: [
      "Somebody, hopefully you, signed up with this email address. It has a user already, so no new one was created.",
      `Sign in at ${appUrl}, or ask for a new password there if you have forgotten yours.`,
    ],
    after: [IGNORE],
  }),
  resetPassword: (url: string): Letter => ({
    subject: "Choose a new password",
    paragraphs: ["Somebody, hopefully you, asked to choose a new password for this email address."],
    link: { label: "Choose a new password", url },
    after: ["The link works once, for 30 minutes. Asking again voids it.", IGNORE],
  }),
  /** @param providers Names of those that the user signs in with. */
  passwordNotSet: (appUrl: string, providers: readonly string[]): Letter => ({
    subject: "You sign in without a password",
    paragraphs: [
      "Somebody, hopefully you, asked to choose a new password for this email address. Its user has none to reset (PASSWORD_NOT_SET).",
      `Sign in at ${appUrl} ${providers.length ? `with ${providers.join(" or ")}` : "as you always do"}. Signed in, you can set a first password.`,
    ],
    after: [IGNORE],
  }),
  noSuchUser: (appUrl: string): Letter => ({
    subject: "There is no user with this email address",
    paragraphs: [
      "Somebody, hopefully you, asked to choose a new password for this email address. No user has it; you may have signed up with another one.",
      `You can sign up at ${appUrl}.`,
    ],
    after: [IGNORE],
  }),
  updateEmail: (url: string): Letter => ({
    subject: "Confirm your new email address",
    paragraphs: [
      "Somebody, hopefully you, wants to sign in with this email address from now on. To finish, confirm that it is yours, where you are signed in.",
    ],
    link: { label: "Confirm my new email address", url },
    after: ["The link works once, for 24 hours.", IGNORE],
  }),
  emailTaken: (): Letter => ({
    subject: "This email address has a user already",
    paragraphs: [
      "Somebody, hopefully you, wants to sign in with this email address from now on. It belongs to another user, so nothing was changed.",
    ],
    after: [IGNORE],
  }),
  emailChanged: (at: string, ip: string | null): Letter => ({
    subject: "Your email address was changed",
    paragraphs: [
      `Since ${whenAndWhere(at, ip)}, you sign in with another email address. No more mail comes to this one.`,
    ],
    after: ["If it was not you, tell whoever runs this service at once."],
  }),
  passwordChanged: notice({
    subject: "Your password was changed",
    told: (when) => `Your password was changed on ${when}.`,
    more: (providers) => `Your other sessions have ended.${stillLinked(providers)}`,
  }),
  passwordReset: notice({
    subject: "Your password was reset",
    told: (when) => `A new password was chosen by a link from a mail to you on ${when}.`,
    more: (providers) => `All of your sessions have ended.${stillLinked(providers)}`,
  }),
  passwordSet: notice({
    subject: "You have a password now",
    told: (when) => `A first password was set for you on ${when}.`,
    more: "From now on, you can sign in with it as well.",
  }),
  identityLinked: notice({
    subject: "There is a new way to sign in as you",
    told: (when) => `An identity elsewhere was linked to you on ${when}.`,
    more: (provider) => `From now on, whoever signs in with ${provider} there is you here.`,
    otherwise:
      "If it was not you, unlink it at once, end your other sessions, and tell whoever runs this service.",
  }),
  identityUnlinked: notice({
    subject: "There is one way less to sign in as you",
    told: (when) => `An identity elsewhere was unlinked from you on ${when}.`,
    more: (provider) => `You can't sign in with it at ${provider} any more.`,
    otherwise:
      "If it was not you, end your other sessions at once, and tell whoever runs this service.",
  }),
  mfaEnabled: notice({
    subject: "Signing in takes a code now",
    told: (when) => `Two-factor authentication was turned on for you on ${when}.`,
    more: "From now on, signing in takes a code of your authenticator app. Keep your recovery codes where your phone is not.",
  }),
  authenticatorReplaced: notice({
    subject: "Your codes come from another app now",
    told: (when) => `Your authenticator app was replaced by another on ${when}.`,
    more: "The app before and its recovery codes no longer work. Keep the new ones where your phone is not.",
  }),
  mfaDisabled: notice({
    subject: "Signing in takes no code any more",
    told: (when) => `Two-factor authentication was turned off for you on ${when}.`,
  }),
  mfaReset: notice({
    subject: "Your second factor was reset",
    told: (when) =>
      `Whoever runs this service has reset your two-factor authentication on ${when}.`,
    more: (reason) =>
      `They gave as the reason: “${reason}”. Signing in takes no code now; set up your authenticator app again.`,
    otherwise:
      "If you did not ask for it, choose a new password at once, and tell whoever runs this service.",
  }),
  recoveryCodesCreated: notice({
    subject: "You have new recovery codes",
    told: (when) => `New recovery codes were made for you on ${when}.`,
    more: "Those that you had are void.",
  }),
  recoveryCodeUsed: notice({
    subject: "A recovery code was used",
    told: (when) => `One of your recovery codes was used on ${when}.`,
    more: (left) => `It is void now; ${left} are left. Make new ones before you run out.`,
  }),
  emailChangeRequested: notice({
    subject: "Somebody wants to change your email address",
    told: (when) =>
      `Somebody, hopefully you, asked for another email address to sign in with on ${when}.`,
    more: "Nothing changes before it is confirmed by a link that went there.",
    otherwise:
      "If it was not you, follow no such link, whoever sends it, and choose a new password at once: that voids it.",
  }),
  newDevice: notice({
    subject: "You signed in on a new device",
    told: (when) =>
      `Somebody, hopefully you, signed in on a device that you have not signed in on before on ${when}.`,
    more: (userAgent) => `It names itself: ${userAgent ?? "nothing"}.`,
  }),
  passwordGuessed: notice({
    subject: "Somebody tries to guess your password",
    told: (when) =>
      `After many wrong passwords for this email address, sign-ins are being slowed down. The last try was on ${when}.`,
    more: "Nobody got in with them. You stay signed in where you are.",
    otherwise:
      "If it was you, wait a little or choose a new password. If not, make sure that yours is used nowhere else.",
  }),
  codeGuessed: notice({
    subject: "Somebody tries to sign in as you, and fails at the code",
    told: (when) =>
      `After your right password, or by way of GitHub or Google as you, many wrong codes of your authenticator app were entered. The last try was on ${when}.`,
    more: "Nobody got in with them.",
    otherwise:
      "If it was not you, choose a new password at once, here or at the service that you sign in through: somebody has yours.",
  }),
} satisfies Record<string, (...told: never[]) => Letter> & Record<Notice, Notify>;

/** What there is to say in every language. */
export type Mails = typeof en;
