import type { Mails } from "./en";
import { noticesIn } from "./letter";

const whenAndWhere = (at: string, ip: string | null) => {
  const date = at.slice(0, 10).split("-").reverse().join(".");
  return `${date} um ${at.slice(11, 16)} Uhr (UTC${ip ? `, von der Adresse ${ip} aus` : ""})`;
};
const IGNORE =
  "Wenn Sie das nicht waren, können Sie diese E-Mail ignorieren: Es hat sich nichts geändert.";
const NOT_YOU =
  "Wenn Sie das nicht waren, wählen Sie umgehend ein neues Passwort, und informieren Sie den Betreiber dieses Dienstes.";
const notice = noticesIn(whenAndWhere, NOT_YOU);

const stillLinked = (providers: string | null) =>
  providers
    ? ` Die Anmeldung über ${providers} funktioniert weiterhin; heben Sie Verknüpfungen auf, die nicht von Ihnen sind.`
    : "";

/** The mails in German. A user is a „Benutzerkonto“, so that an account can be a „Konto“. */
export const de: Mails = {
  verifyEmail: (url) => ({
    subject: "Bestätigen Sie Ihre E-Mail-Adresse",
    paragraphs: [
      "Jemand, hoffentlich Sie, hat sich mit dieser E-Mail-Adresse registriert. Um die Registrierung abzuschließen, bestätigen Sie bitte mit dem Passwort, das Sie gewählt haben, dass die Adresse Ihnen gehört.",
    ],
    link: { label: "Meine E-Mail-Adresse bestätigen", url },
    after: [
      "Der Link ist 24 Stunden lang gültig und funktioniert einmal.",
      "Wenn Sie sich nicht registriert haben, folgen Sie ihm nicht: Ohne ihn wird kein Benutzerkonto angelegt.",
    ],
  }),
  alreadySignedUp: (appUrl) => ({
    subject: "Sie haben bereits ein Benutzerkonto",
    paragraphs: [
      "Jemand, hoffentlich Sie, hat sich mit dieser E-Mail-Adresse registriert. Zu ihr gibt es bereits ein Benutzerkonto, deshalb wurde kein neues angelegt.",
      `Melden Sie sich unter ${appUrl} an, oder fordern Sie dort ein neues Passwort an, wenn Sie Ihres vergessen haben.`,
    ],
    after: [IGNORE],
  }),
  resetPassword: (url) => ({
    subject: "Wählen Sie ein neues Passwort",
    paragraphs: [
      "Jemand, hoffentlich Sie, möchte für diese E-Mail-Adresse ein neues Passwort wählen.",
    ],
    link: { label: "Neues Passwort wählen", url },
    after: [
      "Der Link ist 30 Minuten lang gültig und funktioniert einmal. Fordern Sie einen neuen an, wird dieser ungültig.",
      IGNORE,
    ],
  }),
  passwordNotSet: (appUrl, providers) => ({
    subject: "Sie melden sich ohne Passwort an",
    paragraphs: [
      "Jemand, hoffentlich Sie, möchte für diese E-Mail-Adresse ein neues Passwort wählen. Das Benutzerkonto dazu hat keines, das sich zurücksetzen ließe (PASSWORD_NOT_SET).",
      `Melden Sie sich unter ${appUrl} ${providers.length ? `mit ${providers.join(" oder ")}` : "wie gewohnt"} an. Danach können Sie ein erstes Passwort festlegen.`,
    ],
    after: [IGNORE],
  }),
  noSuchUser: (appUrl) => ({
    subject: "Zu dieser E-Mail-Adresse gibt es kein Benutzerkonto",
    paragraphs: [
      "Jemand, hoffentlich Sie, möchte für diese E-Mail-Adresse ein neues Passwort wählen. Zu ihr gibt es kein Benutzerkonto; vielleicht haben Sie sich mit einer anderen registriert.",
      `Registrieren können Sie sich unter ${appUrl}.`,
    ],
    after: [IGNORE],
  }),
  updateEmail: (url) => ({
    subject: "Bestätigen Sie Ihre neue E-Mail-Adresse",
    paragraphs: [
      "Jemand, hoffentlich Sie, möchte sich künftig mit dieser E-Mail-Adresse anmelden. Um die Änderung abzuschließen, bestätigen Sie bitte dort, wo Sie angemeldet sind, dass die Adresse Ihnen gehört.",
    ],
    link: { label: "Meine neue E-Mail-Adresse bestätigen", url },
    after: ["Der Link ist 24 Stunden lang gültig und funktioniert einmal.", IGNORE],
  }),
  emailTaken: () => ({
    subject: "Zu dieser E-Mail-Adresse gibt es bereits ein Benutzerkonto",
    paragraphs: [
      "Jemand, hoffentlich Sie, möchte sich künftig mit dieser E-Mail-Adresse anmelden. Die Adresse gehört zu einem anderen Benutzerkonto, deshalb wurde nichts geändert.",
    ],
    after: [IGNORE],
  }),
  emailChanged: (at, ip) => ({
    subject: "Ihre E-Mail-Adresse wurde geändert",
    paragraphs: [
      `Seit dem ${whenAndWhere(at, ip)} melden Sie sich mit einer anderen E-Mail-Adresse an. An diese hier gehen keine E-Mails mehr.`,
    ],
    after: ["Wenn Sie das nicht waren, informieren Sie umgehend den Betreiber dieses Dienstes."],
  }),
  passwordChanged: notice({
    subject: "Ihr Passwort wurde geändert",
    told: (when) => `Ihr Passwort wurde am ${when} geändert.`,
    more: (providers) => `Ihre anderen Sitzungen wurden beendet.${stillLinked(providers)}`,
  }),
  passwordReset: notice({
    subject: "Ihr Passwort wurde zurückgesetzt",
    told: (when) =>
      `Am ${when} wurde über einen Link aus einer E-Mail an Sie ein neues Passwort gewählt.`,
    more: (providers) => `Alle Ihre Sitzungen wurden beendet.${stillLinked(providers)}`,
  }),
  passwordSet: notice({
    subject: "Sie haben jetzt ein Passwort",
    told: (when) => `Am ${when} wurde für Sie ein erstes Passwort festgelegt.`,
    more: "Ab jetzt können Sie sich auch damit anmelden.",
  }),
  identityLinked: notice({
    subject: "Für Ihr Benutzerkonto gibt es einen neuen Anmeldeweg",
    told: (when) =>
      `Am ${when} wurde Ihr Benutzerkonto mit einer Identität bei einem anderen Dienst verknüpft.`,
    more: (provider) =>
      `Wer sich mit ihr bei ${provider} anmeldet, wird ab jetzt auch hier als Sie angemeldet.`,
    otherwise:
      "Wenn Sie das nicht waren, heben Sie die Verknüpfung umgehend auf, beenden Sie Ihre anderen Sitzungen, und informieren Sie den Betreiber dieses Dienstes.",
  }),
  identityUnlinked: notice({
    subject: "Für Ihr Benutzerkonto gibt es einen Anmeldeweg weniger",
    told: (when) =>
      `Am ${when} wurde die Verknüpfung Ihres Benutzerkontos mit einer Identität bei einem anderen Dienst aufgehoben.`,
    more: (provider) => `Mit ihr können Sie sich über ${provider} nicht mehr anmelden.`,
    otherwise:
      "Wenn Sie das nicht waren, beenden Sie umgehend Ihre anderen Sitzungen, und informieren Sie den Betreiber dieses Dienstes.",
  }),
  mfaEnabled: notice({
    subject: "Zur Anmeldung gehört jetzt ein Code",
    told: (when) => `Am ${when} wurde die Zwei-Faktor-Authentifizierung für Sie eingeschaltet.`,
    more: "Ab jetzt brauchen Sie zur Anmeldung einen Code Ihrer Authentifizierungs-App. Bewahren Sie Ihre Wiederherstellungscodes nicht dort auf, wo Ihr Telefon ist.",
  }),
  authenticatorReplaced: notice({
    subject: "Ihre Codes kommen jetzt aus einer anderen App",
    told: (when) => `Am ${when} wurde Ihre Authentifizierungs-App durch eine andere ersetzt.`,
    more: "Die bisherige App und ihre Wiederherstellungscodes funktionieren nicht mehr. Bewahren Sie die neuen nicht dort auf, wo Ihr Telefon ist.",
  }),
  mfaDisabled: notice({
    subject: "Zur Anmeldung gehört kein Code mehr",
    told: (when) => `Am ${when} wurde die Zwei-Faktor-Authentifizierung für Sie ausgeschaltet.`,
  }),
  mfaReset: notice({
    subject: "Ihr zweiter Faktor wurde zurückgesetzt",
    told: (when) =>
      `Der Betreiber dieses Dienstes hat am ${when} Ihre Zwei-Faktor-Authentifizierung zurückgesetzt.`,
    more: (reason) =>
      `Als Grund wurde angegeben: „${reason}“. Zur Anmeldung brauchen Sie jetzt keinen Code; richten Sie Ihre Authentifizierungs-App neu ein.`,
    otherwise:
      "Wenn Sie nicht darum gebeten haben, wählen Sie umgehend ein neues Passwort, und informieren Sie den Betreiber dieses Dienstes.",
  }),
  recoveryCodesCreated: notice({
    subject: "Sie haben neue Wiederherstellungscodes",
    told: (when) => `Am ${when} wurden für Sie neue Wiederherstellungscodes erstellt.`,
    more: "Die bisherigen sind ungültig.",
  }),
  recoveryCodeUsed: notice({
    subject: "Ein Wiederherstellungscode wurde verwendet",
    told: (when) => `Am ${when} wurde einer Ihrer Wiederherstellungscodes verwendet.`,
    more: (left) =>
      `Er ist jetzt ungültig; verbleibende Codes: ${left}. Erstellen Sie neue, bevor sie aufgebraucht sind.`,
  }),
  emailChangeRequested: notice({
    subject: "Jemand möchte Ihre E-Mail-Adresse ändern",
    told: (when) =>
      `Jemand, hoffentlich Sie, hat am ${when} um eine andere E-Mail-Adresse für die Anmeldung gebeten.`,
    more: "Es ändert sich nichts, bevor sie über einen Link bestätigt wird, der dorthin gesendet wurde.",
    otherwise:
      "Wenn Sie das nicht waren, folgen Sie keinem solchen Link, wer ihn auch schickt, und wählen Sie umgehend ein neues Passwort: Damit wird er ungültig.",
  }),
  newDevice: notice({
    subject: "Sie haben sich auf einem neuen Gerät angemeldet",
    told: (when) =>
      `Jemand, hoffentlich Sie, hat sich am ${when} auf einem Gerät angemeldet, auf dem Sie sich bisher noch nicht angemeldet haben.`,
    more: (userAgent) =>
      userAgent === null ? "Es nennt keinen Namen." : `Es nennt sich: ${userAgent}.`,
  }),
  passwordGuessed: notice({
    subject: "Jemand versucht, Ihr Passwort zu erraten",
    told: (when) =>
      `Nach vielen falschen Passwörtern für diese E-Mail-Adresse werden Anmeldungen verlangsamt. Der letzte Versuch war am ${when}.`,
    more: "Angemeldet hat sich damit niemand. Wo Sie angemeldet sind, bleiben Sie es.",
    otherwise:
      "Wenn Sie das waren, warten Sie ein wenig, oder wählen Sie ein neues Passwort. Wenn nicht, vergewissern Sie sich, dass Sie Ihr Passwort nirgendwo sonst verwenden.",
  }),
  codeGuessed: notice({
    subject: "Jemand versucht, sich in Ihrem Namen anzumelden, und scheitert am Code",
    told: (when) =>
      `Nach der Eingabe Ihres richtigen Passworts, oder nach einer Anmeldung in Ihrem Namen über GitHub oder Google, wurden viele falsche Codes Ihrer Authentifizierungs-App eingegeben. Der letzte Versuch war am ${when}.`,
    more: "Angemeldet hat sich damit niemand.",
    otherwise:
      "Wenn Sie das nicht waren, wählen Sie umgehend ein neues Passwort, hier oder bei dem Dienst, über den Sie sich anmelden: Jemand kennt Ihres.",
  }),
};
