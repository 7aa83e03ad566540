import { parseUserAgent } from "./userAgent";
import type { Mails } from "./en";
import { noticesIn } from "./letter";
import { unlinked } from "./unlinked";

const whenAndWhere = (at: string, ip: string | null) => {
  const date = at.slice(0, 10).split("-").reverse().join(".");
  return `${date} um ${at.slice(11, 16)} Uhr (UTC${ip ? `, von der Adresse ${ip} aus` : ""})`;
};
const IGNORE =
  "Wenn Sie das nicht waren, können Sie diese E-Mail ignorieren: Es hat sich nichts geändert.";
const NOT_YOU =
  "Wenn Sie das nicht waren, wählen Sie umgehend ein neues Passwort, und wenden Sie sich an den Betreiber dieses Dienstes.";
const notice = noticesIn(whenAndWhere, NOT_YOU);

const stillLinked = (providers: string | null) =>
  providers
    ? ` Die Anmeldung über ${providers} ist weiterhin möglich. Wenn Sie diese Verknüpfung nicht selbst angelegt haben, heben Sie sie auf.`
    : "";

function deviceIn(userAgent: string | null): string {
  const { browser, system } = parseUserAgent(userAgent);
  if (browser && system) return `Es war ${browser} unter ${system}.`;
  if (browser ?? system) return `Es war ${browser ?? system}.`;
  return "Welcher Browser oder welches Programm es war, konnten wir nicht erkennen.";
}

/** The mails in German. A user is a „Benutzerkonto“, so that an account can be a „Konto“. */
export const de: Mails = {
  verifyEmail: (url) => ({
    subject: "Bestätigen Sie Ihre E-Mail-Adresse",
    paragraphs: [
      "Sie oder eine andere Person haben sich mit dieser E-Mail-Adresse registriert. Um die Registrierung abzuschließen, öffnen Sie den Link, und geben Sie das Passwort ein, das Sie gewählt haben.",
    ],
    link: { label: "Meine E-Mail-Adresse bestätigen", url },
    after: [
      "Der Link funktioniert einmal, innerhalb von 24 Stunden.",
      "Wenn Sie sich nicht registriert haben, öffnen Sie ihn nicht: Ohne ihn wird kein Benutzerkonto angelegt.",
    ],
  }),
  alreadySignedUp: (appUrl) => ({
    subject: "Sie sind bereits registriert",
    paragraphs: [
      "Sie oder eine andere Person wollten sich mit dieser E-Mail-Adresse registrieren. Zu ihr gibt es bereits ein Benutzerkonto, deshalb wurde kein neues angelegt.",
      `Melden Sie sich unter ${appUrl} an. Wenn Sie Ihr Passwort vergessen haben, können Sie dort ein neues anfordern.`,
    ],
    after: [IGNORE],
  }),
  resetPassword: (url) => ({
    subject: "Wählen Sie ein neues Passwort",
    paragraphs: [
      "Sie oder eine andere Person möchten für diese E-Mail-Adresse ein neues Passwort wählen.",
    ],
    link: { label: "Neues Passwort wählen", url },
    after: [
      "Der Link funktioniert einmal, innerhalb von 30 Minuten. Wenn Sie einen neuen anfordern, wird dieser ungültig.",
      IGNORE,
    ],
  }),
  passwordNotSet: (appUrl, providers) => ({
    subject: "Sie melden sich ohne Passwort an",
    paragraphs: [
      "Sie oder eine andere Person möchten für diese E-Mail-Adresse ein neues Passwort wählen. Das Benutzerkonto hat kein Passwort, das sich zurücksetzen ließe (PASSWORD_NOT_SET).",
      `Melden Sie sich unter ${appUrl} ${providers.length ? `mit ${providers.join(" oder ")}` : "wie gewohnt"} an. Danach können Sie ein Passwort festlegen.`,
    ],
    after: [IGNORE],
  }),
  noSuchUser: (appUrl) => ({
    subject: "Zu dieser E-Mail-Adresse gibt es kein Benutzerkonto",
    paragraphs: [
      "Sie oder eine andere Person möchten für diese E-Mail-Adresse ein neues Passwort wählen. Zu ihr gibt es kein Benutzerkonto; vielleicht haben Sie sich mit einer anderen Adresse registriert.",
      `Registrieren können Sie sich unter ${appUrl}.`,
    ],
    after: [IGNORE],
  }),
  updateEmail: (url) => ({
    subject: "Bestätigen Sie Ihre neue E-Mail-Adresse",
    paragraphs: [
      "Sie oder eine andere Person möchten sich künftig mit dieser E-Mail-Adresse anmelden. Um die Änderung abzuschließen, öffnen Sie den Link in dem Browser, in dem Sie angemeldet sind.",
    ],
    link: { label: "Meine neue E-Mail-Adresse bestätigen", url },
    after: ["Der Link funktioniert einmal, innerhalb von 24 Stunden.", IGNORE],
  }),
  emailTaken: () => ({
    subject: "Zu dieser E-Mail-Adresse gibt es bereits ein Benutzerkonto",
    paragraphs: [
      "Sie oder eine andere Person möchten sich künftig mit dieser E-Mail-Adresse anmelden. Sie gehört zu einem anderen Benutzerkonto, deshalb wurde nichts geändert.",
    ],
    after: [IGNORE],
  }),
  emailChanged: (at, ip) => ({
    subject: "Ihre E-Mail-Adresse wurde geändert",
    paragraphs: [
      `Seit dem ${whenAndWhere(at, ip)} hat Ihr Benutzerkonto eine andere E-Mail-Adresse. Melden Sie sich jetzt mit der neuen Adresse an. An die bisherige senden wir keine E-Mails mehr.`,
    ],
    after: ["Wenn Sie das nicht waren, wenden Sie sich umgehend an den Betreiber dieses Dienstes."],
  }),
  passwordChanged: notice({
    subject: "Ihr Passwort wurde geändert",
    happened: (when) => `Ihr Passwort wurde am ${when} geändert.`,
    more: (providers) => `Ihre anderen Sitzungen wurden beendet.${stillLinked(providers)}`,
  }),
  passwordReset: notice({
    subject: "Ihr Passwort wurde zurückgesetzt",
    happened: (when) =>
      `Am ${when} wurde über einen Link aus einer E-Mail an diese Adresse ein neues Passwort gewählt.`,
    more: (providers) => `Alle Ihre Sitzungen wurden beendet.${stillLinked(providers)}`,
  }),
  passwordSet: notice({
    subject: "Sie haben jetzt ein Passwort",
    happened: (when) => `Am ${when} wurde für Ihr Benutzerkonto ein erstes Passwort festgelegt.`,
    more: "Ab jetzt können Sie sich auch damit anmelden.",
  }),
  identityLinked: notice({
    subject: "Für Ihr Benutzerkonto gibt es einen neuen Anmeldeweg",
    happened: (when) =>
      `Am ${when} wurde ein weiterer Anmeldeweg mit Ihrem Benutzerkonto verknüpft.`,
    more: (provider) =>
      `Ab jetzt kann sich die Person, der das verknüpfte Konto bei ${provider} gehört, hier als Sie anmelden.`,
    otherwise:
      "Wenn Sie das nicht waren, heben Sie die Verknüpfung umgehend auf, beenden Sie Ihre anderen Sitzungen, und wenden Sie sich an den Betreiber dieses Dienstes.",
  }),
  identityUnlinked: notice({
    subject: "Ein Anmeldeweg Ihres Benutzerkontos wurde entfernt",
    happened: (when) =>
      `Am ${when} wurde die Verknüpfung eines Anmeldewegs mit Ihrem Benutzerkonto aufgehoben.`,
    more: (provider) =>
      `Mit dem bisher verknüpften Konto bei ${provider} können Sie sich nicht mehr anmelden.`,
    otherwise:
      "Wenn Sie das nicht waren, beenden Sie umgehend Ihre anderen Sitzungen, und wenden Sie sich an den Betreiber dieses Dienstes.",
  }),
  mfaEnabled: notice({
    subject: "Die Zwei-Faktor-Authentifizierung ist eingeschaltet",
    happened: (when) =>
      `Am ${when} wurde die Zwei-Faktor-Authentifizierung für Ihr Benutzerkonto eingeschaltet.`,
    more: "Ab jetzt brauchen Sie zur Anmeldung einen Code aus Ihrer Authentifizierungs-App. Bewahren Sie Ihre Wiederherstellungscodes nicht zusammen mit Ihrem Telefon auf.",
  }),
  authenticatorReplaced: notice({
    subject: "Ihre Authentifizierungs-App wurde ersetzt",
    happened: (when) => `Am ${when} wurde Ihre Authentifizierungs-App durch eine andere ersetzt.`,
    more: "Die bisherige App und ihre Wiederherstellungscodes funktionieren nicht mehr. Bewahren Sie die neuen Codes nicht zusammen mit Ihrem Telefon auf.",
  }),
  mfaDisabled: notice({
    subject: "Die Zwei-Faktor-Authentifizierung ist ausgeschaltet",
    happened: (when) =>
      `Am ${when} wurde die Zwei-Faktor-Authentifizierung für Ihr Benutzerkonto ausgeschaltet.`,
    more: "Ab jetzt brauchen Sie zur Anmeldung keinen Code mehr.",
  }),
  mfaReset: notice({
    subject: "Ihre Zwei-Faktor-Authentifizierung wurde zurückgesetzt",
    happened: (when) =>
      `Der Betreiber dieses Dienstes hat am ${when} Ihre Zwei-Faktor-Authentifizierung zurückgesetzt.`,
    more: (reason) =>
      `Als Grund hat er angegeben: „${unlinked(reason ?? "")}“. Zur Anmeldung brauchen Sie jetzt keinen Code; richten Sie Ihre Authentifizierungs-App neu ein.`,
    otherwise:
      "Wenn Sie nicht darum gebeten haben, wählen Sie umgehend ein neues Passwort, und wenden Sie sich an den Betreiber dieses Dienstes.",
  }),
  recoveryCodesCreated: notice({
    subject: "Sie haben neue Wiederherstellungscodes",
    happened: (when) =>
      `Am ${when} wurden für Ihr Benutzerkonto neue Wiederherstellungscodes erstellt.`,
    more: "Die bisherigen sind ungültig.",
  }),
  recoveryCodeUsed: notice({
    subject: "Ein Wiederherstellungscode wurde verwendet",
    happened: (when) => `Am ${when} wurde einer Ihrer Wiederherstellungscodes verwendet.`,
    more: (left) =>
      `Er ist jetzt ungültig. Verbleibende Codes: ${left}. Erstellen Sie neue, bevor sie aufgebraucht sind.`,
  }),
  emailChangeRequested: notice({
    subject: "Ihre E-Mail-Adresse soll geändert werden",
    happened: (when) =>
      `Sie oder eine andere Person, die in Ihrem Namen angemeldet ist, haben am ${when} eine andere E-Mail-Adresse für die Anmeldung angegeben.`,
    more: "Es ändert sich nichts, solange der Link nicht geöffnet wird, der an diese Adresse gesendet wurde.",
    otherwise:
      "Wenn Sie das nicht waren, wählen Sie umgehend ein neues Passwort: Damit wird der Link ungültig. Öffnen Sie den Link nicht, wenn eine andere Person ihn Ihnen schickt.",
  }),
  newDevice: notice({
    subject: "Anmeldung auf einem neuen Gerät",
    happened: (when) =>
      `Sie oder eine andere Person haben sich am ${when} auf einem Gerät angemeldet, das Sie hier bisher nicht verwendet haben.`,
    more: deviceIn,
  }),
  passwordGuessed: notice({
    subject: "Möglicherweise versucht eine andere Person, Ihr Passwort zu erraten",
    happened: (when) =>
      `Bei Anmeldeversuchen mit dieser E-Mail-Adresse wurden viele falsche Passwörter eingegeben, das letzte am ${when}.`,
    more: "Keines davon war richtig. Wir verlangsamen solche Versuche. Wo Sie angemeldet sind, bleiben Sie angemeldet.",
    otherwise:
      "Wenn Sie das waren, warten Sie ein wenig, oder wählen Sie ein neues Passwort. Wenn nicht, stellen Sie sicher, dass Sie dasselbe Passwort für keinen anderen Dienst verwenden.",
  }),
  passwordGuessedInSession: notice({
    subject: "Wo Sie angemeldet sind, wurden falsche Passwörter eingegeben",
    happened: (when) =>
      `In einer Ihrer Sitzungen wurden viele falsche Passwörter eingegeben, das letzte am ${when}.`,
    more: "Keines davon war richtig. Wir verlangsamen solche Versuche in dieser Sitzung.",
    otherwise:
      "Wenn Sie das nicht waren, verwendet eine andere Person einen Browser, in dem Sie angemeldet sind: Beenden Sie Ihre Sitzungen, und wenden Sie sich an den Betreiber dieses Dienstes.",
  }),
  codeGuessed: notice({
    subject: "Möglicherweise versucht eine andere Person, sich in Ihrem Namen anzumelden",
    happened: (when) =>
      `Um eine Anmeldung in Ihrem Namen abzuschließen, wurden viele falsche Codes eingegeben, der letzte am ${when}.`,
    more: (provider) =>
      provider
        ? `Die Anmeldung begann mit Ihrem Konto bei ${provider}. Kein Code war richtig, deshalb wurde sie nicht abgeschlossen.`
        : "Die Anmeldung begann mit Ihrem Passwort. Kein Code war richtig, deshalb wurde sie nicht abgeschlossen.",
    otherwise: (provider) =>
      provider
        ? `Wenn Sie das nicht waren, hat eine andere Person Zugang zu Ihrem Konto bei ${provider}: Sichern Sie es dort umgehend.`
        : "Wenn Sie das nicht waren, kennt eine andere Person Ihr Passwort: Wählen Sie umgehend ein neues.",
  }),
  codeGuessedInSession: notice({
    subject: "Wo Sie angemeldet sind, wurden falsche Codes eingegeben",
    happened: (when) =>
      `In einer Ihrer Sitzungen wurden viele falsche Codes Ihrer Authentifizierungs-App eingegeben, der letzte am ${when}.`,
    more: "Keiner davon war richtig. Wir verlangsamen solche Versuche in dieser Sitzung.",
    otherwise:
      "Wenn Sie das nicht waren, verwendet eine andere Person einen Browser, in dem Sie angemeldet sind: Beenden Sie Ihre Sitzungen, und wenden Sie sich an den Betreiber dieses Dienstes.",
  }),
};
