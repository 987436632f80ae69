// In Node: prints.
import { main } from './main.js';

main().then(console.log);
