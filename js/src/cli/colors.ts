import picocolors from 'picocolors';

const { NO_COLOR, FORCE_COLOR } = process.env;

/**
 * Colors on a terminal only, NO_COLOR and FORCE_COLOR aside. Left to itself the library also colors whatever runs
 * where CI is set, and so files and pipes that are read by programs.
 */
export default picocolors.createColors(
  !NO_COLOR && (FORCE_COLOR ? FORCE_COLOR !== '0' : process.stdout.isTTY === true),
);
