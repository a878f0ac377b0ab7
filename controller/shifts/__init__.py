"""The shift log of a control room: who is on shift, what they wrote down, what they hand over."""
