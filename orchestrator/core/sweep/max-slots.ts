/** Trials that one worker runs side by side at most: each is a process that has loaded torch. */
export const MAX_SLOTS = 64;
