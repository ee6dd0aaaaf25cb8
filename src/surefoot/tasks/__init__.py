"""Problems, reading answers, and checking them.

load     problems by name or file, and the checker that fits them
trails   generated word problems with an exact checker for every step
toy      a world whose step values are known in closed form
gsm, gym GSM8K and reasoning-gym
answers  reading a final answer out of text
equal    comparing answers: written, values (exact, here), equal_worker (algebra, killable)
"""
