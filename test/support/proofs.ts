import { verbs } from "./calls";

/** Something that a caller shows before a verb does its work. */
interface Proof {
  name: string;
  /** What is shown, in a sentence. */
  what: string;
  /** By what a verb asks for it: marks of `verbs`, any of them. */
  asks: readonly string[];
  /** By what a verb gives out something that is taken for it, or that lifts the need for it. */
  gives: readonly string[];
  /** The verbs that give it without asking for the same, and why an attacker gains nothing by them. */
  without: Readonly<Record<string, string>>;
}

const MAILED =
  "The link goes to the mailbox and into no answer; following it proves the mailbox, and asking for it nothing.";
const BY_OPERATOR = "The operator alone may, at the command line.";

const UNCONFIRMED = "It removes an app that no code has confirmed, and none that is on.";

export const PROOFS: readonly Proof[] = [
  {
    name: "fresh authentication",
    what: "The session was proven within the last 15 minutes (U11).",
    asks: [".requireFresh()"],
    gives: ["newSession()", ".authenticatedAt ="],
    without: {
      completeSignIn: "It takes the first factor, proven within ten minutes, and a code.",
      reauthenticate: "It takes the password, and a code where the second factor is on.",
      signIn: "It takes the password, and opens no session where a code is owed.",
      signInThrough:
        "It takes an identity at a provider, and opens no session where a code is owed.",
      verifyEmail:
        "It takes the link and the password of the sign-up. There is nothing of the user's before.",
    },
  },
  {
    name: "code",
    what: "A code of the authenticator app, or a recovery code (T2 to T4).",
    asks: ["useCode()"],
    gives: ["newTotpSecret()", "newRecoveryCodes()", "removeAuthenticator()"],
    without: {
      confirmTotp:
        "It takes a code of the app that `enrollTotp` made within 15 minutes, which took one of the app that is on.",
      endOtherSessions: UNCONFIRMED,
      endUserSessions: UNCONFIRMED,
      resetMfa: BY_OPERATOR,
      resetPassword: UNCONFIRMED,
      updatePassword: UNCONFIRMED,
    },
  },
  {
    name: "password",
    what: "The user's password (U2, U7).",
    asks: ["verifyPassword()"],
    gives: ["choosePassword()"],
    without: {
      createAdministrator: `${BY_OPERATOR} There is no user before.`,
      resetPassword:
        "It takes the mailbox, ends all sessions and opens none; a code is owed as before.",
      setPassword: "There is no password before. It takes a fresh authentication.",
      signUp: "There is no user before. `verifyEmail` takes this password and the mailbox.",
    },
  },
  {
    name: "mailbox",
    what: "The link in a mail, or the word of a provider who has verified the address (U1, U5, U12).",
    asks: [
      'redeemToken("SIGN_UP")',
      'redeemToken("UPDATE_EMAIL")',
      'redeemToken("RESET_PASSWORD")',
    ],
    gives: [
      'kind: "sign_up"',
      'kind: "update_email"',
      'kind: "reset_password"',
      "createUser()",
      ".emailVerifiedAt =",
    ],
    without: {
      createAdministrator: `${BY_OPERATOR} There is no user before.`,
      requestPasswordReset: MAILED,
      resendVerification: MAILED,
      signInThrough: "The provider has verified the address, and no user has it.",
      signUp: MAILED,
      updateEmail: MAILED,
    },
  },
  {
    name: "first factor",
    what: "The challenge of a sign-in that waits for a code (T2).",
    asks: ['redeemToken("COMPLETE_SIGN_IN")'],
    gives: ["issueChallenge()"],
    without: {
      signIn: "It takes the password.",
      signInThrough: "It takes an identity at a provider.",
      verifyEmail: "It takes the link and the password of the sign-up.",
    },
  },
  {
    name: "browser",
    what: "The browser that began a way to a provider and, to link, the session that did (U8).",
    asks: ["isStateOf()"],
    gives: ["startAuthorization()"],
    without: {
      linkIdentity:
        "The secret goes into the cookie of the browser that asks, and only the session that asks can complete it.",
      startSignIn: "The secret goes into the cookie of the browser that asks.",
    },
  },
  {
    name: "identity",
    what: "Who somebody is at GitHub or Google (U8).",
    asks: [".identify()"],
    gives: ['.record("identity_linked.v1")'],
    without: {},
  },
  {
    name: "credential",
    what: "An API key or authtoken. Requests come with it, and no verb asks for one (C7).",
    asks: [],
    gives: ["issueCredential()"],
    without: {
      createApiKey:
        "A session needs a fresh authentication, for one of its own user's too. Rules refuse to keys what takes a person.",
      createAuthtoken: "As `createApiKey`.",
    },
  },
];

type Way = "asks" | "gives";

/** The verbs that ask for a proof, or give it. */
export function verbsThat(way: Way, proof: Proof, all = verbs()): string[] {
  return [...all]
    .filter(([, marks]) => proof[way].some((one) => marks.has(one)))
    .map(([name]) => name);
}

/** docs/proofs.md, whole. */
export function proofsTable(): string {
  const all = verbs();
  const code = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");
  const askedBy = (verb: string) =>
    PROOFS.filter((proof) => verbsThat("asks", proof, all).includes(verb)).map(({ name }) => name);
  const sections = PROOFS.map((proof) => {
    const { name, what, without } = proof;
    const rows = verbsThat("gives", proof, all).map((verb) => {
      const asked = askedBy(verb).join(", ") || "nothing";
      return `| \`${verb}\` | ${asked} | ${without[verb] ?? "It asks for the same."} |\n`;
    });
    const asking = verbsThat("asks", proof, all);
    return `## ${name[0]!.toUpperCase()}${name.slice(1)}

${what}

Asked for by ${code(asking) || "no verb"}.

| gives it, or lifts the need for it | asks for | why that is enough |
| --- | --- | --- |
${rows.join("")}`;
  });
  return `# What is proven, and what is taken for a proof

A guarded verb is worth no more than the verbs beside it that give out what its guard asks for. This lists,
for each proof that Gatehouse asks for, the verbs that ask for it, and those that give out something that is
taken for it: each asks for the same, or says why an attacker gains nothing by it.

The lists of verbs are read from \`src/operations\`: a verb is a file there, with the steps that it takes.
\`UPDATE=1 npx jest test/proofs\` writes this page from \`test/support/proofs.ts\`; a test fails where a verb
asks for a proof or gives one and stands here otherwise.

${sections.join("\n")}`;
}
