// In a Worker: answers.
import { main } from './main.js';

export default {
  async fetch() {
    return new Response(await main());
  },
};
