export const unlisted = 'its contract writes the states as free text'
