// The measurement as a Worker. A Worker's clock stands still while it computes, so the time is asked from outside.
import { alone, pairs } from './cases.ts';
import { type Measured, measure } from './rounds.ts';

export default {
  async fetch(
    _request: Request,
    env: { CLOCK: { fetch(url: string): Promise<Response> } },
  ): Promise<Response> {
    const clock = async () => Number(await (await env.CLOCK.fetch('http://clock/')).text());
    const measured: Measured[] = [];
    for (const pair of await pairs()) measured.push(await measure(pair, clock));
    return Response.json({ measured, alone: await alone() });
  },
};
