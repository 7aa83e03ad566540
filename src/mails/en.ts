/** What a mail says. Paragraphs are plain text; the link is a button of its own. */
export interface Letter {
  subject: string;
  paragraphs: string[];
  link?: { label: string; url: string };
  after?: string[];
}

const when = (at: string, ip: string | null) =>
  `${at.slice(0, 16).replace("T", " at ")} UTC${ip ? ` (from the address ${ip})` : ""}`;
const IGNORE = "If it was not you, you can ignore this mail: nothing has changed.";

/** The mails in English. Another language is another file of the same shape. */
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
  passwordNotSet: (appUrl: string): Letter => ({
    subject: "You sign in without a password",
    paragraphs: [
      "Somebody, hopefully you, asked to choose a new password for this email address. Its user has none to reset (PASSWORD_NOT_SET).",
      `Sign in at ${appUrl} as you always do. Signed in, you can set a first password.`,
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
      `Since ${when(at, ip)}, you sign in with another email address. No more mail comes to this one.`,
    ],
    after: ["If it was not you, tell whoever runs this service at once."],
  }),
  passwordChanged: (at: string, ip: string | null): Letter => ({
    subject: "Your password was changed",
    paragraphs: [`Your password was changed on ${when(at, ip)}. Your other sessions have ended.`],
    after: [
      "If it was not you, choose a new password at once, and tell whoever runs this service.",
    ],
  }),
};
