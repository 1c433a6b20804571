/** For a request to an unknown path, such as `/runtask` of a receiver that these webhooks replace. */
export const HOW_TO_CALL = 'Call POST /v1/<category>/<action>?mode=interactive, or without mode for a silent call.'
