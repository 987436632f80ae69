// The built app on this machine. SvelteKit takes forms from its own origin only, and takes that for https unless told.
process.env.HOST ??= '127.0.0.1';
process.env.PORT ??= '3000';
process.env.ORIGIN ??= `http://${process.env.HOST}:${process.env.PORT}`;
await import('./build/index.js');
