export const unlisted = 'its contract writes the stage as free text'
