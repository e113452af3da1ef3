"""How far it goes: a model of queue, pollers, function and org, and a discrete-event run that it is held to."""
