export const unlisted = 'its contract has counters and conditions, from which the states are derived'
