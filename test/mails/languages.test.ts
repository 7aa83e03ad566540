import fc from "fast-check";
import { LANGUAGES, languageOf, preferredLanguage } from "../../src/mails/languages";

describe("preferredLanguage", () => {
  it.each([
    ["de", "de"],
    ["de-AT,de;q=0.9,en;q=0.5", "de"],
    ["de-AT", "de"],
    ["DE-ch", "de"],
    ["en-GB, de;q=0.9", "en"],
    ["fr, de;q=0.3", "de"],
    ["fr, *;q=0.1", "en"],
    ["*;q=0.5, de;q=0.6", "de"],
    ["de;q=0, *", "en"],
    ["en;q=0.1, de;q=0.1", "en"],
  ])("prefers of `%s` what it asks for most: %s", (header, language) => {
    expect(preferredLanguage(header)).toBe(language);
  });

  it.each([
    ["nothing", undefined],
    ["an empty one", ""],
    ["anything at all", "*"],
    ["a language that there is none of", "fr"],
    ["none of those that there are", "de;q=0, en;q=0"],
    ["nonsense", ';;=,,"\\🙂;q=x'],
    ["a name that objects have", "constructor, __proto__, toString"],
    ["a qvalue that is none", "de;q=much"],
    ["10 KB of a language", "de,".repeat(3413)],
    ["10 KB of one word", "d".repeat(10_240)],
  ])("is English for %s", (_what, header) => {
    expect(preferredLanguage(header)).toBe("en");
  });

  it("fails for nothing that may be sent", () => {
    const parts = fc.constantFrom("de", "en", "-", ";", "q", "=", ",", "*", " ", "0.1", '"', "\\");
    const header = fc.oneof(
      fc.string({ unit: "binary", maxLength: 2000 }),
      fc.array(parts, { maxLength: 600 }).map((some) => some.join("")),
    );
    fc.assert(fc.property(header, (sent) => LANGUAGES.includes(preferredLanguage(sent))));
  });
});

describe("languageOf", () => {
  it("is what was stored, and English where there is no such language any more", () => {
    const stored = ["de", "en", "fr", "de-AT", "constructor", "", null, undefined];
    expect(stored.map(languageOf)).toEqual(["de", "en", "en", "en", "en", "en", "en", "en"]);
  });
});
