"""Policies side by side on the same seeds: ours between the simplest rules and what nobody can beat.

port         what a policy is, and what each knows      command_desk  brings a rule's limits to devices
blanket, first_come, largest_first, pro_rata, in_turn   discipline    when a rule limits and lets go
optimum      the least at each step, all known          runs          the same field under each of them
course       what a run is measured by                  measures      the figures of one run
names        all of them, by name                       confidence    means over seeds
comparison   all of it, and its files                   page, charts  what people look at
"""
