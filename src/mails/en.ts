import { parseUserAgent } from "./userAgent";
import { type Letter, noticesIn, type Notify } from "./letter";
import type { Notice } from "./queueMail";
import { unlinked } from "./unlinked";

const whenAndWhere = (at: string, ip: string | null) =>
  `${at.slice(0, 16).replace("T", " at ")} UTC${ip ? ` (from the address ${ip})` : ""}`;
const IGNORE = "If this was not you, you can ignore this mail: nothing has changed.";
const NOT_YOU =
  "If this was not you, choose a new password now and contact the operator of this service.";
const notice = noticesIn(whenAndWhere, NOT_YOU);

/** An intruder may have linked an identity of their own. A new password does not undo that. */
const stillLinked = (providers: string | null) =>
  providers
    ? ` You can still sign in with ${providers}. If you did not link that yourself, unlink it.`
    : "";

function deviceIn(userAgent: string | null): string {
  const { browser, system } = parseUserAgent(userAgent);
  if (browser && system) return `It was ${browser} on ${system}.`;
  if (browser ?? system) return `It was ${browser ?? system}.`;
  return "We do not know which browser or program it was.";
}

/** The mails in English. */
export const en = {
  // Without the name: the person who signed up chose it, and it may be an advertisement.
  verifyEmail: (url: string): Letter => ({
    subject: "Confirm your email address",
    paragraphs: [
      "You, or another person, signed up with this email address. To finish signing up, open the link and enter the password that you chose.",
    ],
    link: { label: "Confirm my email address", url },
    after: [
      "The link works once, within 24 hours.",
      "If you did not sign up, do not open the link. Without it, no user account is created.",
    ],
  }),
  alreadySignedUp: (appUrl: string): Letter => ({
    subject: "You have already signed up",
    paragraphs: [
      "You, or another person, tried to sign up with this email address. It already has a user account, so no new one was created.",
      `Sign in at ${appUrl}. If you have forgotten your password, you can ask for a new one there.`,
    ],
    after: [IGNORE],
  }),
  resetPassword: (url: string): Letter => ({
    subject: "Choose a new password",
    paragraphs: ["You, or another person, asked to choose a new password for this email address."],
    link: { label: "Choose a new password", url },
    after: [
      "The link works once, within 30 minutes. If you ask for another link, this one stops working.",
      IGNORE,
    ],
  }),
  /** @param providers Names of the providers that the user can sign in with. */
  passwordNotSet: (appUrl: string, providers: readonly string[]): Letter => ({
    subject: "You sign in without a password",
    paragraphs: [
      "You, or another person, asked to choose a new password for this email address. Its user account has no password to reset (PASSWORD_NOT_SET).",
      `Sign in at ${appUrl} ${providers.length ? `with ${providers.join(" or ")}` : "as you usually do"}. Then you can set a password.`,
    ],
    after: [IGNORE],
  }),
  noSuchUser: (appUrl: string): Letter => ({
    subject: "This email address has no user account",
    paragraphs: [
      "You, or another person, asked to choose a new password for this email address. It has no user account; perhaps you signed up with another address.",
      `You can sign up at ${appUrl}.`,
    ],
    after: [IGNORE],
  }),
  updateEmail: (url: string): Letter => ({
    subject: "Confirm your new email address",
    paragraphs: [
      "You, or another person, asked to sign in with this email address from now on. To finish the change, open the link in the browser that you are signed in with.",
    ],
    link: { label: "Confirm my new email address", url },
    after: ["The link works once, within 24 hours.", IGNORE],
  }),
  emailTaken: (): Letter => ({
    subject: "This email address already has a user account",
    paragraphs: [
      "You, or another person, asked to sign in with this email address from now on. It belongs to another user account, so nothing was changed.",
    ],
    after: [IGNORE],
  }),
  emailChanged: (at: string, ip: string | null): Letter => ({
    subject: "Your email address was changed",
    paragraphs: [
      `Your user account has had another email address since ${whenAndWhere(at, ip)}. Sign in with that address now. We send no more mail to this one.`,
    ],
    after: ["If this was not you, contact the operator of this service now."],
  }),
  passwordChanged: notice({
    subject: "Your password was changed",
    happened: (when) => `Your password was changed on ${when}.`,
    more: (providers) => `Your other sessions have ended.${stillLinked(providers)}`,
  }),
  passwordReset: notice({
    subject: "Your password was reset",
    happened: (when) =>
      `A new password was chosen on ${when}, with a link from a mail to this address.`,
    more: (providers) => `All your sessions have ended.${stillLinked(providers)}`,
  }),
  passwordSet: notice({
    subject: "You have a password now",
    happened: (when) => `Your user account was given its first password on ${when}.`,
    more: "From now on, you can also sign in with it.",
  }),
  identityLinked: notice({
    subject: "There is a new way to sign in to your user account",
    happened: (when) => `Another way to sign in was linked to your user account on ${when}.`,
    more: (provider) =>
      `From now on, the owner of that ${provider} account can sign in here as you.`,
    otherwise:
      "If this was not you, unlink it now, end your other sessions, and contact the operator of this service.",
  }),
  identityUnlinked: notice({
    subject: "A way to sign in to your user account was removed",
    happened: (when) => `A way to sign in was unlinked from your user account on ${when}.`,
    more: (provider) => `You can no longer sign in with that ${provider} account.`,
    otherwise:
      "If this was not you, end your other sessions now and contact the operator of this service.",
  }),
  mfaEnabled: notice({
    subject: "Two-factor authentication is on",
    happened: (when) => `Two-factor authentication was turned on for your user account on ${when}.`,
    more: "From now on, signing in takes a code from your authenticator app. Do not keep your recovery codes in the same place as your phone.",
  }),
  authenticatorReplaced: notice({
    subject: "Your authenticator app was replaced",
    happened: (when) => `Your authenticator app was replaced by another one on ${when}.`,
    more: "The old app and its recovery codes no longer work. Do not keep the new recovery codes in the same place as your phone.",
  }),
  mfaDisabled: notice({
    subject: "Two-factor authentication is off",
    happened: (when) =>
      `Two-factor authentication was turned off for your user account on ${when}.`,
    more: "From now on, signing in takes no code.",
  }),
  mfaReset: notice({
    subject: "Your two-factor authentication was reset",
    happened: (when) =>
      `The operator of this service reset your two-factor authentication on ${when}.`,
    more: (reason) =>
      `The operator gave this reason: “${unlinked(reason ?? "")}”. Signing in takes no code now, so set up your authenticator app again.`,
    otherwise:
      "If you did not ask for this, choose a new password now and contact the operator of this service.",
  }),
  recoveryCodesCreated: notice({
    subject: "You have new recovery codes",
    happened: (when) => `New recovery codes were created for your user account on ${when}.`,
    more: "The old ones no longer work.",
  }),
  recoveryCodeUsed: notice({
    subject: "A recovery code was used",
    happened: (when) => `One of your recovery codes was used on ${when}.`,
    more: (left) => `It no longer works. Codes left: ${left}. Create new ones before you run out.`,
  }),
  emailChangeRequested: notice({
    subject: "A change of your email address was requested",
    happened: (when) =>
      `You, or another person who is signed in as you, asked on ${when} to sign in with another email address.`,
    more: "Nothing changes until the link that was sent to that address is opened.",
    otherwise:
      "If this was not you, choose a new password now. That makes the link stop working. Do not open the link yourself if another person sends it to you.",
  }),
  newDevice: notice({
    subject: "A sign-in on a new device",
    happened: (when) =>
      `You, or another person, signed in on ${when}, on a device that you have not used here before.`,
    more: deviceIn,
  }),
  passwordGuessed: notice({
    subject: "Another person may be guessing your password",
    happened: (when) =>
      `Many wrong passwords were entered to sign in with this email address, the last one on ${when}.`,
    more: "None of them was right. We are slowing down such tries. You stay signed in where you are signed in now.",
    otherwise:
      "If this was you, wait a little, or choose a new password. If not, make sure that you do not use the same password for any other service.",
  }),
  passwordGuessedInSession: notice({
    subject: "Wrong passwords were entered where you are signed in",
    happened: (when) =>
      `Many wrong passwords were entered in one of your sessions, the last one on ${when}.`,
    more: "None of them was right. We are slowing down such tries in that session.",
    otherwise:
      "If this was not you, another person is using a browser in which you are signed in: end your sessions, and contact the operator of this service.",
  }),
  codeGuessed: notice({
    subject: "Another person may be trying to sign in as you",
    happened: (when) =>
      `Many wrong codes were entered to complete a sign-in as you, the last one on ${when}.`,
    more: (provider) =>
      provider
        ? `The sign-in began with your ${provider} account. No code was right, so it was not completed.`
        : "The sign-in began with your password. No code was right, so it was not completed.",
    otherwise: (provider) =>
      provider
        ? `If this was not you, another person can use your ${provider} account: secure it there now.`
        : "If this was not you, another person knows your password: choose a new one now.",
  }),
  codeGuessedInSession: notice({
    subject: "Wrong codes were entered where you are signed in",
    happened: (when) =>
      `Many wrong codes of your authenticator app were entered in one of your sessions, the last one on ${when}.`,
    more: "None of them was right. We are slowing down such tries in that session.",
    otherwise:
      "If this was not you, another person is using a browser in which you are signed in: end your sessions, and contact the operator of this service.",
  }),
} satisfies Record<string, (...facts: never[]) => Letter> & Record<Notice, Notify>;

/** The mails that every language has. */
export type Mails = typeof en;
