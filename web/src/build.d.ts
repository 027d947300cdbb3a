// What `build.mjs` puts in for names.

/** The address of the reading thread's script. */
declare const THREAD_URL: string;
