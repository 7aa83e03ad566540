import Bowser from "bowser";

export interface UserAgent {
  /** Such as "Firefox"; null for one that the library does not know. */
  browser: string | null;
  /** Such as "Windows". */
  system: string | null;
}

const BROWSERS: ReadonlySet<string> = new Set(Object.values(Bowser.BROWSER_MAP));
const SYSTEMS: ReadonlySet<string> = new Set(Object.values(Bowser.OS_MAP));

/**
 * The browser and the system that a `User-Agent` names. The caller chooses that header, and the library
 * gives back parts of it for a browser that it does not know. So a mail shows only the library's own names.
 */
export function parseUserAgent(header: string | null): UserAgent {
  if (!header) return { browser: null, system: null };
  const parser = Bowser.getParser(header);
  const browser = parser.getBrowserName();
  const system = parser.getOSName();
  return {
    browser: BROWSERS.has(browser) ? browser : null,
    system: SYSTEMS.has(system) ? system : null,
  };
}
