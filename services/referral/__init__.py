"""Takes referrals, keeps the statutory clock and the identity of citizens, and places orders."""
