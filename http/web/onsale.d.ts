/**
 * Opens a stream until close() is called.
 * @param {Options} options
 */
export function connect({ path, onEvent, names, storageKey, from, heartbeat, onReset, onState, poll, ticket, renew }: Options): {
    readonly lastEventId: string;
    readonly leading: boolean;
    close: () => void;
};
/**
 * Who asks: user in auth.mode demo, token in mode jwt without the cookie; it is asked for each attempt, so it may renew.
 * @typedef {{user?: string, token?: () => string | Promise<string>}} Asker
 */
/**
 * Sends a command. Its key is stored until there is a response: until then, the same command is the same request. A key that is
 * passed in is not stored.
 * @param {string} path
 * @param {Asker & {body?: any, headers?: Record<string, string>, attempts?: number, key?: string}} options
 * @returns {Promise<{ok: boolean, status: number, body: any}>} status 0: no response
 */
export function request(path: string, { body, user, token, headers, attempts, key: ownKey }?: Asker & {
    body?: any;
    headers?: Record<string, string> | undefined;
    attempts?: number | undefined;
    key?: string | undefined;
}): Promise<{
    ok: boolean;
    status: number;
    body: any;
}>;
/**
 * Waits by long polls for the outcome of an accepted command, as GET /api/v1/requests/… shows it. A problem that waiting does not
 * mend (401, 403, 404) is returned as it is.
 * @param {any} accepted the body of a 202
 * @param {Asker & {signal?: AbortSignal}} options
 */
export function outcome(accepted: any, { user, token, signal }?: Asker & {
    signal?: AbortSignal;
}): Promise<any>;
/**
 * Gets a one-time ticket for a stream: connect({ ticket: () => ticket(token) }).
 * @param {() => string | Promise<string>} token
 * @returns {Promise<string>}
 */
export function ticket(token: () => string | Promise<string>): Promise<string>;
export function issue(promotion: string, options?: [string, ((Asker & {
    body?: any;
    headers?: Record<string, string> | undefined;
    attempts?: number | undefined;
    key?: string | undefined;
}) | undefined)?][1]): Promise<{
    ok: boolean;
    status: number;
    body: any;
}>;
/**
 * Who asks: user in auth.mode demo, token in mode jwt without the cookie; it is asked for each attempt, so it may renew.
 */
export type Asker = {
    user?: string;
    token?: () => string | Promise<string>;
};
/**
 * data is parsed JSON, or the text if it is not JSON
 */
export type StreamEvent = {
    name: string;
    id: string;
    data: any;
};
/**
 * has several texts if it was conflated
 */
export type Frame = {
    name: string;
    id: string;
    texts: string[];
    time: number;
};
export type Options = {
    /**
     * of the stream, with its query
     */
    path: string;
    /**
     * gets each event; unnamed frames have the name "message"
     */
    onEvent: (event: StreamEvent) => void;
    /**
     * of the frames to receive besides unnamed ones; all by default
     */
    names?: string[] | undefined;
    /**
     * tabs with the same key share a stream; the path by default. It must differ between users
     */
    storageKey?: string | undefined;
    /**
     * the position of what the page shows (Last-Event-ID of a GET): older events are skipped
     */
    from?: string | undefined;
    /**
     * interval of the stream in milliseconds; after 2.5 without a frame the client reconnects
     */
    heartbeat?: number | undefined;
    /**
     * missed events cannot be delivered: fetch the present state from this path
     */
    onReset?: ((snapshot: string) => void) | undefined;
    /**
     * "live" is the connect frame
     */
    onState?: ((state: "live" | "beat" | "connecting", frame?: StreamEvent) => void) | undefined;
    /**
     * fetches the present state; called while no stream gets through
     */
    poll?: (() => any) | undefined;
    /**
     * gets a one-time ticket for each connection, as from ticket(token). Without it
     * a browser identifies itself by its cookie only
     */
    ticket?: (() => string | Promise<string>) | undefined;
    /**
     * the login ends in a minute, or has ended and the stream with it: renews
     * the cookie or the token. The stream is opened again when what it returns has resolved; without it, after half a minute
     */
    renew?: ((state: "expiring" | "expired") => any) | undefined;
};
