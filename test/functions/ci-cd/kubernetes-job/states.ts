export const unlisted = 'its contract writes the reasons of conditions as free text'
