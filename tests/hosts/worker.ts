// The suite as a Cloudflare Worker, which has no cipher but workerd's own: answers with its outcomes.
import { runAll } from '../conformance/case.ts';
import { suite } from '../conformance/suite.ts';

export default {
  async fetch(): Promise<Response> {
    return Response.json(await runAll(suite));
  },
};
