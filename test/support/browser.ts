/** Where somebody got to, redirects followed. */
export interface Page {
  url: URL;
  status: number;
  headers: Headers;
  text: string;
}

/**
 * Somebody's browser: it keeps cookies for each host, follows redirects, fills in forms. It stops at
 * the frontend, which isn't there.
 */
export class Browser {
  private readonly jars = new Map<string, Map<string, string>>();
  /** Every address it has asked, and what that answered. */
  readonly visited: Page[] = [];

  constructor(
    /** Public addresses and where they are: as a proxy in front of a server would have it. */
    private readonly places: Readonly<Record<string, string>>,
    private readonly frontend: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  /** A cookie for the host of an address. */
  cookie(at: string, name: string): string | undefined {
    return this.jarOf(new URL(at)).get(name);
  }

  setCookie(at: string, name: string, value: string): void {
    this.jarOf(new URL(at)).set(name, value);
  }

  /** Asks once, with cookies and what it sends with everything. */
  async ask(url: string | URL, init: RequestInit = {}): Promise<Page> {
    const asked = new URL(url);
    const jar = this.jarOf(asked);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = {
      ...this.headers,
      ...(cookie && { cookie }),
      ...(init.headers as Record<string, string>),
    };
    const there = (this.places[asked.origin] ?? asked.origin) + asked.pathname + asked.search;
    const response = await fetch(there, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(/; */);
      const [, name, value] = /^([^=]+)=(.*)$/.exec(pair!)!;
      const gone = attributes.some((one) => /^(max-age=0|expires=thu, 01 jan 1970)/i.test(one));
      if (gone) jar.delete(name!);
      else jar.set(name!, value!);
    }
    const page = {
      url: asked,
      status: response.status,
      headers: response.headers,
      text: await response.text(),
    };
    this.visited.push(page);
    return page;
  }

  /** Asks a document, and gives its data. */
  async graphql<D>(url: string, query: string): Promise<D> {
    const headers = { "content-type": "application/json" };
    const { text } = await this.ask(url, {
      method: "POST",
      headers,
      body: JSON.stringify({ query }),
    });
    const { data } = JSON.parse(text) as { data: D | null };
    if (!data) throw new Error(text);
    return data;
  }

  /** Goes there and on to wherever that leads. */
  async go(url: string | URL, init: RequestInit = {}): Promise<Page> {
    let page = await this.ask(url, init);
    for (let i = 0; i < 10; i++) {
      const location = page.headers.get("location");
      if (!location || page.status < 300 || page.status > 399) return page;
      const to = new URL(location, page.url);
      if (to.origin === this.frontend) return { ...page, url: to };
      page = await this.ask(to);
    }
    throw new Error(`It goes round in circles at ${page.url.href}`);
  }

  /** Fills in the form of a page and sends it. */
  async submit(page: Page, fields: Record<string, string>): Promise<Page> {
    const [, action] = /<form[^>]* action="([^"]+)"/.exec(page.text) ?? [];
    if (!action) throw new Error(`There is no form at ${page.url.href}: ${page.text}`);
    const hidden = [...page.text.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)];
    const body = new URLSearchParams([
      ...hidden.map(([, name, value]): [string, string] => [name!, value!]),
      ...Object.entries(fields),
    ]);
    return this.go(action, { method: "POST", body });
  }

  private jarOf({ host }: URL): Map<string, string> {
    let jar = this.jars.get(host);
    if (!jar) this.jars.set(host, (jar = new Map<string, string>()));
    return jar;
  }
}
