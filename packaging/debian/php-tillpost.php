mod debian/tillpost.ini
