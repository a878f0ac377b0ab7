"""Words to people over whatever they read: e-mail, SMS, bots, webhooks, and the app on the broker.

`channel.py` is the `devices.ports.NoticeChannel`; the README tells its rules and what is not done.
"""
