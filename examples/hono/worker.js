import { makeApp } from './app.js';

export default makeApp();
